//! A timeline in the trace-event format of Chrome and Perfetto (<https://ui.perfetto.dev> opens it).
//!
//! Owns the format. Refuses to know what is drawn and where the text goes: it writes to what it is given.
//!
//! The file is one JSON object with a list of events, one to a line. Every track is a thread of one process,
//! named by a metadata event and shown in the order of creation. Times are microseconds with three decimals,
//! made from integers, so the same run gives the same file.

use std::io::{self, Write};

use crate::SimTime;

/// A row of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(u32);

/// A timeline under construction. Everything is kept until it is written.
#[derive(Clone, Debug, Default)]
pub struct ChromeTrace {
    tracks: Vec<String>,
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
struct Event {
    track: TrackId,
    name: String,
    at: SimTime,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Span { end: SimTime, args: Args },
    Instant { args: Args },
    Counter { value: u64 },
}

type Args = Vec<(String, String)>;

impl ChromeTrace {
    /// An empty timeline.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row called `name` below the others.
    pub fn track(&mut self, name: &str) -> TrackId {
        self.tracks.push(name.to_owned());
        TrackId(self.tracks.len() as u32)
    }

    /// Draws a bar from `start` to `end`; one that ends before it starts has no length. Bars of one track
    /// must be nested or apart, or the viewer drops some.
    pub fn span(
        &mut self,
        track: TrackId,
        name: &str,
        start: SimTime,
        end: SimTime,
        args: &[(&str, String)],
    ) {
        self.add(track, name, start, What::Span { end: end.max(start), args: owned(args) });
    }

    /// Draws a mark at `at`.
    pub fn instant(&mut self, track: TrackId, name: &str, at: SimTime, args: &[(&str, String)]) {
        self.add(track, name, at, What::Instant { args: owned(args) });
    }

    /// Sets the curve `name` to `value` from `at` on. The viewer gives curves rows of their own, so the name
    /// carries the track's in front of it.
    pub fn counter(&mut self, track: TrackId, name: &str, at: SimTime, value: u64) {
        self.add(track, name, at, What::Counter { value });
    }

    /// How many bars, marks and values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has been drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn add(&mut self, track: TrackId, name: &str, at: SimTime, what: What) {
        self.events.push(Event { track, name: name.to_owned(), at, what });
    }

    /// Writes the timeline as JSON.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        let mut separator = "\n";
        for (name, id) in self.tracks.iter().zip(1..) {
            out.write_all(separator.as_bytes())?;
            write_track(&mut out, id, name)?;
            separator = ",\n";
        }
        for event in &self.events {
            out.write_all(separator.as_bytes())?;
            self.write_event(&mut out, event)?;
            separator = ",\n";
        }
        out.write_all(b"\n]}\n")
    }

    fn write_event(&self, out: &mut impl Write, event: &Event) -> io::Result<()> {
        write!(out, "{{\"pid\":1,\"tid\":{},\"ts\":", event.track.0)?;
        write_micros(out, event.at.as_nanos())?;
        match &event.what {
            What::Span { end, args } => {
                out.write_all(b",\"ph\":\"X\",\"dur\":")?;
                write_micros(out, end.as_nanos() - event.at.as_nanos())?;
                write_name(out, &event.name)?;
                write_args(out, args)?;
            }
            What::Instant { args } => {
                out.write_all(b",\"ph\":\"i\",\"s\":\"t\"")?;
                write_name(out, &event.name)?;
                write_args(out, args)?;
            }
            What::Counter { value } => {
                let track = self.tracks.get(event.track.0 as usize - 1).map_or("", String::as_str);
                out.write_all(b",\"ph\":\"C\"")?;
                write_name(out, &format!("{track} {}", event.name))?;
                write!(out, ",\"args\":{{\"value\":{value}}}")?;
            }
        }
        out.write_all(b"}")
    }
}

fn owned(args: &[(&str, String)]) -> Args {
    args.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn write_track(out: &mut impl Write, id: u32, name: &str) -> io::Result<()> {
    write!(out, "{{\"pid\":1,\"tid\":{id},\"ph\":\"M\",\"name\":\"thread_name\",\"args\":{{\"name\":")?;
    write_text(out, name)?;
    write!(out, "}}}},\n{{\"pid\":1,\"tid\":{id},\"ph\":\"M\",\"name\":\"thread_sort_index\",")?;
    write!(out, "\"args\":{{\"sort_index\":{id}}}}}")
}

fn write_name(out: &mut impl Write, name: &str) -> io::Result<()> {
    out.write_all(b",\"name\":")?;
    write_text(out, name)
}

fn write_args(out: &mut impl Write, args: &Args) -> io::Result<()> {
    if args.is_empty() {
        return Ok(());
    }
    let mut before = ",\"args\":{";
    for (key, value) in args {
        out.write_all(before.as_bytes())?;
        write_text(out, key)?;
        out.write_all(b":")?;
        write_text(out, value)?;
        before = ",";
    }
    out.write_all(b"}")
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

fn write_micros(out: &mut impl Write, nanos: u64) -> io::Result<()> {
    write!(out, "{}.{:03}", nanos / 1_000, nanos % 1_000)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn written(trace: &ChromeTrace) -> (String, Value) {
        let mut out = Vec::new();
        trace.write_to(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn an_empty_timeline_is_valid() {
        let (_, value) = written(&ChromeTrace::new());
        assert_eq!(value["traceEvents"].as_array().unwrap().len(), 0);
    }

    #[test]
    fn bars_marks_and_curves_are_written() {
        let mut trace = ChromeTrace::new();
        let host = trace.track("host \"a\"\n");
        let (start, end) = (SimTime::from_nanos(1_500), SimTime::from_nanos(4_000_001));
        trace.span(host, "copy", start, end, &[("bytes", "512".to_owned()), ("to\\from", "é".to_owned())]);
        trace.instant(host, "crash", end, &[]);
        trace.counter(host, "queue", end, 7);
        let (text, value) = written(&trace);
        assert!(text.contains("\"ts\":1.500") && text.contains("\"dur\":3998.501"), "{text}");
        let events = value["traceEvents"].as_array().unwrap();
        assert_eq!(events[0]["args"]["name"], "host \"a\"\n");
        assert_eq!((&events[2]["ph"], &events[2]["name"]), (&"X".into(), &"copy".into()));
        assert_eq!(events[2]["args"]["to\\from"], "é");
        assert_eq!((&events[3]["ph"], &events[3]["s"]), (&"i".into(), &"t".into()));
        assert_eq!(events[4]["args"]["value"], 7);
        assert_eq!(trace.len(), 3);
    }

    #[test]
    fn a_bar_that_ends_before_it_starts_has_no_length() {
        let mut trace = ChromeTrace::new();
        let track = trace.track("t");
        trace.span(track, "odd", SimTime::from_secs(2), SimTime::from_secs(1), &[]);
        assert_eq!(written(&trace).1["traceEvents"][2]["dur"], 0.0);
    }

    #[test]
    fn a_failing_writer_is_reported() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(ChromeTrace::new().write_to(Full).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
