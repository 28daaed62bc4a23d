//! Text from outside, made harmless for a terminal and for a page.

/// One line of text without anything that steers a terminal or turns the direction of writing.
#[must_use]
pub fn line(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// Text for a page, inside an element or a quoted attribute.
#[must_use]
pub fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if steers(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Control characters, and those that turn the direction of writing: a name could be made to look like another one.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{html, line};

    #[test]
    fn a_name_that_is_markup_is_shown_as_it_is_written() {
        assert_eq!(
            html("</script><b a='1' c=\"2\">&"),
            "&lt;/script&gt;&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;"
        );
        assert_eq!(html("Zürich 東京"), "Zürich 東京", "what does no harm stays");
    }

    #[test]
    fn a_name_cannot_steer_a_terminal() {
        assert_eq!(line("web\u{1b}[2J\u{202e}10"), "web\u{fffd}[2J\u{fffd}10");
        assert_eq!(line("=cmd|' /C calc'!A0"), "=cmd|' /C calc'!A0", "a formula is only text here");
    }
}
