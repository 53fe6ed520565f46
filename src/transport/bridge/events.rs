//! Server-sent events: the form in which an answer comes that is more than one message.

/// An event that is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Reads events from a stream of bytes that is cut anywhere. Only their data is kept.
pub(crate) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    /// A line break of two bytes may be cut in two.
    after_return: bool,
    most: usize,
}

impl Events {
    /// `most` is the longest data of one event, in bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            after_return: false,
            most,
        }
    }

    /// The data of the events that end in `bytes`.
    ///
    /// # Errors
    ///
    /// [`TooLong`] for an event, or a line of one, that is over the limit.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut ended = Vec::new();
        for byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => ended.extend(self.end_line()),
                byte if self.line.len() + self.data.len() < self.most => self.line.push(*byte),
                _ => return Err(TooLong),
            }
        }
        Ok(ended)
    }

    /// Takes the line in; an empty one ends the event, whose data is given if it has any.
    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return (!data.is_empty()).then_some(data);
        }
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line);
        if let Some(value) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{FEFF}: hello\r\ndata: \r\nid: 0\r\n\r\nevent: message\ndata: {\"a\":\ndata:1}\n\ndata: two\rid: 5\r\rdata: half";

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        for size in 1..STREAM.len() {
            let mut events = Events::new(100);
            let mut data = Vec::new();
            for part in STREAM.as_bytes().chunks(size) {
                data.extend(events.feed(part).unwrap());
            }
            assert_eq!(
                data,
                [b"{\"a\":\n1}".to_vec(), b"two".to_vec()],
                "{size} bytes at once"
            );
        }
    }

    #[test]
    fn an_event_over_the_limit_is_not_held() {
        let mut events = Events::new(10);
        assert_eq!(events.feed(b"data: 1234\n\ndata: 1234").map(|_| ()), Ok(()));
        assert_eq!(events.feed(b"5"), Err(TooLong));
    }
}
