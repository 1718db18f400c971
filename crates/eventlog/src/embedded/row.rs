//! Events as rows: how they are stored, checked and read.
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::recent::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
use crate::{Event, Extent, Filter, NewEvent, Position, StreamName};

/// Why an append cannot be stored: a rule of the log, or an error of SQLite.
pub(super) enum Refusal {
    /// The stream does not end at the expected position, but at this one.
    Conflict(Position),
    /// The id is on the log already, at another place.
    KnownId(Uuid),
    /// The store failed.
    Store(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

/// Position of a stream's last event, 0 if there is none.
pub(super) fn last(connection: &Connection, stream: &StreamName) -> rusqlite::Result<Position> {
    let sql = "SELECT coalesce(max(position), 0) FROM event WHERE stream = ?1";
    connection.prepare_cached(sql)?.query_row([stream.as_str()], |row| row.get(0))
}

/// Positions of the oldest and of the newest event.
pub(super) fn extent(connection: &Connection) -> rusqlite::Result<Extent> {
    // Two selects, because SQLite uses the index only for a single min or max.
    let sql = "SELECT (SELECT min(position) FROM event), (SELECT max(position) FROM event)";
    let ends = |row: &Row<'_>| Ok((row.get::<_, Option<u64>>(0)?, row.get::<_, Option<u64>>(1)?));
    let (oldest, head) = connection.prepare_cached(sql)?.query_row([], ends)?;
    Ok(Extent { oldest: oldest.unwrap_or(1), head: head.unwrap_or(0) })
}

/// Stores events at the end of the log, or finds that they are stored already. Returns their positions.
pub(super) fn store(
    connection: &Connection,
    head: Position,
    (stream, expected): (&StreamName, Position),
    events: &[NewEvent],
) -> Result<Vec<Position>, Refusal> {
    let last = last(connection, stream)?;
    if expected < last {
        return known(connection, (stream, expected), events)?.ok_or(Refusal::Conflict(last));
    }
    if expected > last {
        return Err(Refusal::Conflict(last));
    }
    // All checks come before the first insert, so that a refused append leaves nothing to undo.
    for event in events {
        if connection.prepare_cached("SELECT 1 FROM event WHERE id = ?1")?.exists([event.id.as_bytes()])? {
            return Err(Refusal::KnownId(event.id));
        }
    }
    let positions: Vec<Position> = (head + 1..).take(events.len()).collect();
    for (event, position) in events.iter().zip(&positions) {
        insert(connection, *position, stream, event)?;
    }
    Ok(positions)
}

/// The positions of the events, if exactly they follow `expected`.
fn known(
    connection: &Connection,
    (stream, expected): (&StreamName, Position),
    events: &[NewEvent],
) -> rusqlite::Result<Option<Vec<Position>>> {
    let sql = "SELECT position, id FROM event WHERE stream = ?1 AND position > ?2 ORDER BY position LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![
        stream.as_str(),
        expected,
        i64::try_from(events.len()).unwrap_or(i64::MAX)
    ])?;
    let mut positions = Vec::with_capacity(events.len());
    for event in events {
        match rows.next()? {
            Some(row) if row.get::<_, [u8; 16]>(1)? == *event.id.as_bytes() => positions.push(row.get(0)?),
            _ => return Ok(None),
        }
    }
    Ok(Some(positions))
}

fn insert(
    connection: &Connection,
    position: Position,
    stream: &StreamName,
    event: &NewEvent,
) -> rusqlite::Result<()> {
    let id = event.id.as_bytes();
    let time = event.time.to_string();
    let (kind, traceparent) = (event.kind.as_str(), event.traceparent.as_deref());
    let digest = digest(position, [stream.as_str(), kind, &time], id, traceparent, &event.data);
    let sql = "INSERT INTO event (position, stream, id, kind, time, traceparent, digest, data)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        position,
        stream.as_str(),
        id,
        kind,
        time,
        traceparent,
        digest,
        event.data.as_ref()
    ])?;
    Ok(())
}

/// Digest of an event's fields: the position as 8 bytes little-endian, then stream, kind, time, id, trace
/// context (empty if there is none) and data, each after its length as 8 bytes little-endian.
fn digest(
    position: Position,
    texts: [&str; 3],
    id: &[u8],
    traceparent: Option<&str>,
    data: &[u8],
) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(position.to_le_bytes());
    for field in texts.map(str::as_bytes).into_iter().chain([id, traceparent.unwrap_or("").as_bytes(), data])
    {
        digest.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(field);
    }
    digest.finalize().into()
}

/// The events of a batch, and how far it got.
#[derive(Debug)]
pub(super) struct Batch {
    /// The events that match, in order.
    pub(super) events: Vec<Event>,
    /// Everything that matches up to here is in the batch.
    pub(super) upto: Position,
    /// The first event that cannot be read, if there is one, and why.
    pub(super) damage: Option<(Position, String)>,
}

/// Reads the next events that match, after `after` and up to `upto`, until they have `max_bytes`.
pub(super) fn batch(
    connection: &Connection,
    filter: &Filter,
    after: Position,
    upto: Position,
    max_bytes: usize,
) -> rusqlite::Result<Batch> {
    let (exact, from, to) = bounds(filter);
    // The unary plus keeps SQLite from using the index on streams, for which it would collect and sort all
    // matches for each batch: with it, it reads on from the position.
    let sql = "SELECT position, stream, id, kind, time, traceparent, digest, data FROM event
               WHERE position > ?1 AND position <= ?2 AND (+stream = ?3 OR (+stream >= ?4 AND +stream < ?5))
               ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![after, upto, exact, from, to])?;
    let mut batch = Batch { events: Vec::new(), upto, damage: None };
    let (mut bytes, mut previous) = (0, after);
    while let Some(row) = rows.next()? {
        let position: Position = row.get(0)?;
        if *filter == Filter::All && position != previous + 1 {
            batch.damage = Some((previous + 1, "it is missing".to_owned()));
            break;
        }
        match event(row)? {
            Ok(event) => {
                bytes += event.data.len();
                batch.events.push(event);
            }
            Err(reason) => {
                batch.damage = Some((position, reason));
                break;
            }
        }
        previous = position;
        if bytes >= max_bytes.min(MAX_BATCH_BYTES) || batch.events.len() >= MAX_BATCH_EVENTS {
            batch.upto = position;
            break;
        }
    }
    // A damaged page may also end the rows early, without an error of SQLite.
    if *filter == Filter::All && batch.damage.is_none() && previous < batch.upto {
        batch.damage = Some((previous + 1, "it is missing".to_owned()));
    }
    Ok(batch)
}

/// The stream names that a filter selects: one exactly, and those from one text up to another. `/` is the
/// byte after `.`, and `~` comes after every byte of a name.
fn bounds(filter: &Filter) -> (String, String, String) {
    match filter {
        Filter::All => (String::new(), String::new(), "~".to_owned()),
        Filter::Under(prefix) => (prefix.to_string(), format!("{prefix}."), format!("{prefix}/")),
    }
}

/// Reads the event of a row. The inner error says what is wrong with it.
fn event(row: &Row<'_>) -> rusqlite::Result<Result<Event, String>> {
    let position = row.get(0)?;
    let [stream, kind, time]: [String; 3] = [row.get(1)?, row.get(3)?, row.get(4)?];
    let id: [u8; 16] = row.get(2)?;
    let traceparent: Option<String> = row.get(5)?;
    let stored: [u8; 32] = row.get(6)?;
    let data = row.get_ref(7)?.as_blob()?;
    if digest(position, [&stream, &kind, &time], &id, traceparent.as_deref(), data) != stored {
        return Ok(Err("its digest does not match: the file was changed or the disk is failing".to_owned()));
    }
    let data = Bytes::copy_from_slice(data);
    let decoded = StreamName::new(stream).map_err(|error| error.to_string()).and_then(|stream| {
        let time = time.parse().map_err(|error| format!("time {time:?}: {error}"))?;
        Ok(Event { position, stream, id: Uuid::from_bytes(id), kind, time, data, traceparent })
    });
    Ok(decoded)
}

/// Position and stream of the event with this id.
pub(super) fn find(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<(Position, String)>> {
    let sql = "SELECT position, stream FROM event WHERE id = ?1";
    let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.prepare_cached(sql)?.query_row([id.as_bytes()], place).optional()
}
