//! What Redis tells of the groups of a stream: how much waits, and what may be removed.

use std::collections::BTreeMap;

use redis::{Value, cmd};

use crate::RedisError;
use crate::entry::{EntryId, bytes, list};
use crate::source::Source;

/// Counts the entries of a stream that were removed before its group was given them, and has the
/// group's count of entries read stand behind them: whoever asks next is not told of them again.
/// Answers with them and with that count; -1 where it is not known.
///
/// Of all entries that were ever removed, the group can have been given no more than it has read.
/// While something that it has read is still there, what is behind that is taken as there, too.
/// Redis 7.0 does not keep the count through a restart, and does not add to it what it
/// passes over: a count that has changed is set anew, and who has read all has read what was added.
const TELL_LOST: &str = "
    local function fields(told)
        local named = {}
        for place = 1, #told, 2 do named[told[place]] = told[place + 1] end
        return named
    end
    if redis.call('EXISTS', KEYS[1]) == 0 then return {0, -1} end
    local stream = fields(redis.call('XINFO', 'STREAM', KEYS[1]))
    local added, removed = stream['entries-added'], stream['entries-added'] - stream['length']
    for _, told in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
        local group = fields(told)
        if group['name'] == ARGV[1] then
            local last, read, lost = group['last-delivered-id'], group['entries-read'], 0
            if not read and last == '0-0' then read = 0 end
            if last == stream['last-generated-id'] then read = added end
            if not read then return {0, -1} end
            if removed > read
                and #redis.call('XRANGE', KEYS[1], '-', last, 'COUNT', 1) == 0 then
                lost, read = removed - read, removed
            end
            if read ~= tonumber(ARGV[2]) then
                redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], last, 'ENTRIESREAD', read)
            end
            return {lost, read}
        end
    end
    return {0, -1}";

impl Source {
    /// Removes entries below the first one that some group has not acknowledged.
    pub(crate) fn trim(&mut self) -> Result<(), RedisError> {
        for stream in self.options.streams.clone() {
            let answer: Value =
                cmd("XINFO").arg("GROUPS").arg(&stream).query(&mut self.connection)?;
            let mut lowest: Option<EntryId> = None;
            for group in list(answer)? {
                let needed = self.first_needed(&stream, group)?;
                lowest = Some(lowest.map_or(needed, |other| other.min(needed)));
            }
            // A stream that no group reads is nobody's to trim.
            let Some(lowest) = lowest.filter(|id| *id > EntryId::default()) else { continue };
            let mut trim = cmd("XTRIM");
            trim.arg(&stream).arg("MINID").arg("~").arg(lowest.to_string());
            trim.query::<Value>(&mut self.connection)?;
        }
        Ok(())
    }

    /// How many entries the group has not acknowledged, with those that nobody was given; `None`
    /// where Redis does not say.
    pub fn lag(&mut self) -> Option<u64> {
        let mut waiting = 0;
        for stream in &self.options.streams {
            let asked = cmd("XINFO").arg("GROUPS").arg(stream).query(&mut self.connection);
            for group in list(asked.ok()?).ok()? {
                let fields = fields_of(group).ok()?;
                let number = |name: &str| -> Option<u64> {
                    std::str::from_utf8(fields.get(name.as_bytes())?).ok()?.parse().ok()
                };
                if fields.get(b"name".as_slice()).is_some_and(|name| *name == self.group()) {
                    waiting += number("pending")? + number("lag")?;
                }
            }
        }
        Some(waiting)
    }

    /// How many entries were removed before the group was given them, as far as Redis can tell,
    /// and nobody was told of yet. Nothing where the user may not ask; a connection that has broken
    /// shows itself at the next read.
    pub fn removed_unread(&mut self) -> u64 {
        let mut lost = 0;
        for (stream, known) in self.options.streams.iter().zip(&mut self.read_counts) {
            let mut ask = cmd("EVAL");
            ask.arg(TELL_LOST).arg(1).arg(stream).arg(&self.options.group).arg(*known);
            let Ok((own, read)) = ask.query::<(u64, i64)>(&mut self.connection) else { continue };
            lost += own;
            *known = read;
        }
        lost
    }

    fn group(&self) -> &[u8] {
        self.options.group.as_bytes()
    }

    /// The first entry of a stream that a group needs, as its information says it.
    fn first_needed(&mut self, stream: &str, group: Value) -> Result<EntryId, RedisError> {
        let fields = fields_of(group)?;
        let field = |name: &str| fields.get(name.as_bytes()).cloned().unwrap_or_default();
        if field("pending") == b"0" {
            return Ok(EntryId::parse(&field("last-delivered-id")).map_or(
                EntryId::default(),
                |id| {
                    if id == EntryId::default() { id } else { id.next() }
                },
            ));
        }
        let summary: Value =
            cmd("XPENDING").arg(stream).arg(field("name")).query(&mut self.connection)?;
        let first = bytes(list(summary)?.into_iter().nth(1).unwrap_or_default()).ok();
        Ok(first.and_then(|first| EntryId::parse(&first)).unwrap_or_default())
    }
}

/// The fields of what Redis tells of a group.
fn fields_of(group: Value) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, RedisError> {
    let pairs = match group {
        Value::Map(pairs) => pairs,
        flat => {
            let mut values = list(flat)?.into_iter();
            let mut pairs = Vec::new();
            while let (Some(name), Some(value)) = (values.next(), values.next()) {
                pairs.push((name, value));
            }
            pairs
        }
    };
    let mut fields = BTreeMap::new();
    for (name, value) in pairs {
        // What Redis does not know of a group is no text.
        if let (Ok(name), Ok(value)) = (bytes(name), bytes(value)) {
            fields.insert(name, value);
        }
    }
    Ok(fields)
}
