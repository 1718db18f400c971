//! Atom feeds of the last messages to a receiver.
mod channel;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, Receiver, receiver::Kind};
use orewatch_contracts::time::instant;

use crate::mail::{escape, html_body};
use crate::message::RenderedMessage;

/// Default number of entries.
const DEFAULT_ENTRIES: u32 = 100;

/// Upper bound on the entries of a feed. `None`: the receiver is not a feed.
#[must_use]
pub fn entry_limit(receiver: &Receiver) -> Option<usize> {
    let Some(Kind::Feed(feed)) = &receiver.kind else { return None };
    usize::try_from(if feed.entries == 0 { DEFAULT_ENTRIES } else { feed.entries }).ok()
}

/// Renders a feed as Atom, newest entry first.
pub fn render_feed<'a>(
    receiver: &Receiver,
    put_at: Timestamp,
    messages: impl DoubleEndedIterator<Item = &'a Notification> + Clone,
    public_url: Option<&str>,
) -> String {
    let id = &receiver.id;
    let title = if receiver.title.is_empty() { id } else { &receiver.title };
    let updated = last_planned(messages.clone()).unwrap_or(put_at);
    let mut atom = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
         <id>urn:orewatch:feed:{}</id>\n<title>{}</title>\n\
         <updated>{updated}</updated>\n<author><name>Orewatch</name></author>\n",
        escape(id),
        escape(title)
    );
    if let Some(base) = public_url {
        atom.push_str(&format!("<link rel=\"self\" href=\"{}/feeds/{}.atom\"/>\n", escape(base), escape(id)));
    }
    for message in messages.rev() {
        atom.push_str(&render_entry(message, public_url));
    }
    atom.push_str("</feed>\n");
    atom
}

fn render_entry(message: &Notification, public_url: Option<&str>) -> String {
    let rendered = RenderedMessage::new(message, public_url);
    let time = message.planned_at.as_ref().and_then(instant).unwrap_or_default();
    let link = rendered.alerts.first().and_then(|summary| summary.link.url());
    let link = link.map(|url| format!("<link href=\"{}\"/>\n", escape(url))).unwrap_or_default();
    let drill = if message.drill { "<category term=\"drill\"/>\n" } else { "" };
    format!(
        "<entry>\n<id>urn:uuid:{}</id>\n<title>{}</title>\n<updated>{time}</updated>\n{link}{drill}\
         <content type=\"html\">{}</content>\n</entry>\n",
        escape(&message.id),
        escape(&rendered.title),
        escape(&html_body(&rendered))
    )
}

/// Time at which the newest of the messages was planned.
pub fn last_planned<'a>(messages: impl DoubleEndedIterator<Item = &'a Notification>) -> Option<Timestamp> {
    messages.filter_map(|message| message.planned_at.as_ref().and_then(instant)).max()
}
