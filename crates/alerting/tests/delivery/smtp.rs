//! A small mail server, with STARTTLS and login where it is asked to have them.
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A mail that was taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
    pub(crate) secured: bool,
    pub(crate) login: String,
}

/// How the server takes mail.
#[derive(Clone, Default)]
pub(crate) struct Ways {
    /// It offers STARTTLS with this certificate.
    pub(crate) starttls: Option<TlsAcceptor>,
    /// It speaks TLS from the first byte.
    pub(crate) tls: Option<TlsAcceptor>,
    /// What it answers to the first recipients, before it takes any.
    pub(crate) refusals: Vec<&'static str>,
    /// The login that it wants, as AUTH PLAIN encodes it.
    pub(crate) login: Option<String>,
}

/// The server.
pub(crate) struct Smtp {
    pub(crate) port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    task: JoinHandle<()>,
}

impl Smtp {
    pub(crate) async fn start(ways: Ways) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let refusals = Arc::new(Mutex::new(ways.refusals.clone()));
        let all = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (ways, all, refusals) = (ways.clone(), Arc::clone(&all), Arc::clone(&refusals));
                tokio::spawn(async move { serve(stream, ways, &all, &refusals).await });
            }
        });
        Self { port, taken, task }
    }

    pub(crate) fn server(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, ways: Ways, all: &Mutex<Vec<Taken>>, refusals: &Mutex<Vec<&'static str>>) {
    if let Some(tls) = &ways.tls {
        if let Ok(stream) = tls.accept(stream).await {
            let _gone = talk(BufReader::new(stream), &ways, true, true, all, refusals).await;
        }
        return;
    }
    let mut stream = BufReader::new(stream);
    if let Ok(true) = talk(&mut stream, &ways, false, true, all, refusals).await
        && let Some(tls) = &ways.starttls
        && let Ok(stream) = tls.accept(stream.into_inner()).await
    {
        let _gone = talk(BufReader::new(stream), &ways, true, false, all, refusals).await;
    }
}

/// Reads the data of a mail up to the line with a single dot.
async fn read_data(stream: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// Holds a conversation to its end. Returns whether TLS is to begin.
async fn talk<S>(
    mut stream: S,
    ways: &Ways,
    secured: bool,
    greets: bool,
    all: &Mutex<Vec<Taken>>,
    refusals: &Mutex<Vec<&'static str>>,
) -> std::io::Result<bool>
where
    S: tokio::io::AsyncBufRead + AsyncRead + AsyncWrite + Unpin,
{
    if greets {
        stream.write_all(b"220 test ready\r\n").await?;
    }
    let mut mail = Taken { secured, ..Taken::default() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        let line = line.trim_end().to_owned();
        let answer = match line.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
            "EHLO" => {
                let tls = if ways.starttls.is_some() && !secured { "250-STARTTLS\r\n" } else { "" };
                let auth = if ways.login.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
                format!("250-test\r\n{tls}{auth}250 8BITMIME\r\n")
            }
            "STARTTLS" => {
                stream.write_all(b"220 go\r\n").await?;
                stream.flush().await?;
                return Ok(true);
            }
            "AUTH" => {
                let shown = line.split(' ').nth(2).unwrap_or_default();
                let is_right = ways.login.as_deref() == Some(shown);
                mail.login = shown.to_owned();
                if is_right { "235 ok\r\n" } else { "535 5.7.8 wrong user or password\r\n" }.to_owned()
            }
            "MAIL" => {
                mail.from = line;
                "250 ok\r\n".to_owned()
            }
            "RCPT" => {
                let refusal = refusals.lock().unwrap().pop();
                if refusal.is_none() {
                    mail.to.push(line);
                }
                refusal.unwrap_or("250 ok\r\n").to_owned()
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                mail.data.push_str(&read_data(&mut stream).await?);
                all.lock().unwrap().push(mail.clone());
                "250 queued as 42\r\n".to_owned()
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(false);
            }
            _ => "250 ok\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}
