//! Mail to a real mail server.
use base64::Engine as _;
use jiff::SignedDuration;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;

use crate::bench::Bench;
use crate::certificate::Certificate;
use crate::samples::message;
use crate::smtp::{Smtp, Ways};

fn receiver(smtp: &Smtp, security: MailSecurity) -> Receiver {
    let mail = MailReceiver {
        server: smtp.server(),
        security: security.into(),
        from: "Orewatch <orewatch@example.org>".to_owned(),
        to: vec!["desk@example.org".to_owned(), "ann@example.org".to_owned()],
        ..MailReceiver::default()
    };
    Receiver { id: "mail".to_owned(), kind: Some(Kind::Mail(mail)), ..Receiver::default() }
}

fn login(receiver: &mut Receiver, password: SecretReference) {
    if let Some(Kind::Mail(mail)) = &mut receiver.kind {
        (mail.user, mail.password) = ("orewatch".to_owned(), Some(password));
    }
}

#[tokio::test]
async fn mail_is_sent_by_starttls_with_text_and_html_parts_and_its_own_identifier() {
    let bench = Bench::new();
    let certificate = Certificate::of(&["127.0.0.1"]);
    let encoded = base64::engine::general_purpose::STANDARD.encode("\0orewatch\0s3cret-word");
    let ways = Ways {
        starttls: Some(certificate.acceptor.clone()),
        login: Some(encoded.clone()),
        ..Ways::default()
    };
    let smtp = Smtp::start(ways).await;
    let config = orewatch_receivers::Config { ca_file: Some(certificate.file.clone()), ..bench.config() };
    let mut service = bench.start_with(config).await;
    let mut wanted = receiver(&smtp, MailSecurity::Unspecified);
    login(&mut wanted, bench.secret("password", "wrong-word\n"));
    service.put(wanted).await;
    let id = bench.plan(message("mail", "g", 1)).await;
    let refused = service.reaches(&id, DeliveryState::Waiting, 1).await;
    assert_eq!(refused.attempts[0].kind(), FailureKind::Authorization, "{}", refused.attempts[0].message);
    // A password that is mended is used without anybody's doing.
    bench.secret("password", "s3cret-word\n");
    bench.clock.turn(SignedDuration::from_secs(6));
    let delivery = service.reaches(&id, DeliveryState::Delivered, 2).await;
    assert!(delivery.attempts[1].message.contains("queued as 42"), "{:?}", delivery.attempts);

    let taken = smtp.taken();
    assert_eq!(taken.len(), 1);
    let mail = &taken[0];
    assert!(mail.secured && mail.login == encoded);
    assert_eq!(mail.to.len(), 2);
    assert!(mail.from.contains("orewatch@example.org"));
    let message_id = format!("Message-ID: <{id}@example.org>");
    for wanted in [
        &*message_id,
        "multipart/alternative",
        "text/plain",
        "text/html",
        "Auto-Submitted: auto-generated",
        "References: <g",
    ] {
        assert!(mail.data.contains(wanted), "{wanted} is not in\n{}", mail.data);
    }
    service.stop().await;
}

#[tokio::test]
async fn no_mail_is_sent_unencrypted_unless_configured() {
    let bench = Bench::new();
    let plain = Smtp::start(Ways::default()).await;
    let mut service = bench.start().await;
    service.put(receiver(&plain, MailSecurity::Unspecified)).await;
    let id = bench.plan(message("mail", "g", 1)).await;
    service.reaches(&id, DeliveryState::Waiting, 1).await;
    assert!(plain.taken().is_empty(), "a server that offers no STARTTLS gets nothing");
    // Meant to be, on a private network that is allowed.
    service.put(receiver(&plain, MailSecurity::None)).await;
    service.reaches(&id, DeliveryState::Delivered, 2).await;
    assert!(!plain.taken()[0].secured);
    service.stop().await;
}

#[tokio::test]
async fn mail_is_sent_by_tls_and_a_wrong_certificate_prevents_it() {
    let bench = Bench::new();
    let (right, wrong) = (Certificate::of(&["127.0.0.1"]), Certificate::of(&["elsewhere.example"]));
    let config = orewatch_receivers::Config { ca_file: Some(right.file.clone()), ..bench.config() };
    let good = Smtp::start(Ways { tls: Some(right.acceptor.clone()), ..Ways::default() }).await;
    let bad = Smtp::start(Ways { tls: Some(wrong.acceptor.clone()), ..Ways::default() }).await;
    let mut service = bench.start_with(config).await;
    service.put(receiver(&good, MailSecurity::Tls)).await;
    service.put(Receiver { id: "bad".to_owned(), ..receiver(&bad, MailSecurity::Tls) }).await;
    let (one, other) = (bench.plan(message("mail", "g", 1)).await, bench.plan(message("bad", "g", 1)).await);
    service.reaches(&one, DeliveryState::Delivered, 1).await;
    let failed = service.reaches(&other, DeliveryState::Waiting, 1).await;
    assert_eq!(failed.attempts[0].kind(), FailureKind::Connection, "{}", failed.attempts[0].message);
    assert!(good.taken()[0].secured && bad.taken().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn f09_mail_is_retried_on_a_busy_server_and_not_on_one_that_rejects_it() {
    let bench = Bench::new();
    let busy = Smtp::start(Ways { refusals: vec!["451 4.3.0 try later\r\n"], ..Ways::default() }).await;
    let refusing =
        Smtp::start(Ways { refusals: vec!["550 5.1.1 no such user\r\n"; 9], ..Ways::default() }).await;
    let mut service = bench.start().await;
    service.put(receiver(&busy, MailSecurity::None)).await;
    service.put(Receiver { id: "refusing".to_owned(), ..receiver(&refusing, MailSecurity::None) }).await;
    let (one, other) =
        (bench.plan(message("mail", "g", 1)).await, bench.plan(message("refusing", "g", 1)).await);
    service.reaches(&one, DeliveryState::Waiting, 1).await;
    let given_up = service.reaches(&other, DeliveryState::GivenUp, 1).await;
    assert!(given_up.given_up.contains("no such user"), "{}", given_up.given_up);
    bench.clock.turn(SignedDuration::from_secs(6));
    service.reaches(&one, DeliveryState::Delivered, 2).await;
    service.stop().await;
}
