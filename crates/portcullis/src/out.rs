//! Two channels: data for programs on stdout, words for people on stderr.

use std::io::Write as _;

/// Prints one piece of data. A reader who went away (`| head`) is no error.
pub(crate) fn data(line: impl std::fmt::Display) {
    drop(writeln!(std::io::stdout().lock(), "{}", plain(&line.to_string())));
}

/// Tells the person something.
pub(crate) fn note(line: impl std::fmt::Display) {
    drop(writeln!(std::io::stderr().lock(), "{}", plain(&line.to_string())));
}

/// Without what moves the cursor, hides, or turns the reading direction: a text from elsewhere must not paint over
/// what a person reads before signing.
fn plain(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !hides(*c)).collect()
}

/// Prints one JSON document.
pub(crate) fn json(value: &serde_json::Value) {
    data(format_args!("{value:#}"));
}

/// Prints one thing that was made: its name alone, or a document that says what it is.
pub(crate) fn made(global: &crate::cli::Global, what: &str, value: impl std::fmt::Display) {
    if global.json { json(&serde_json::json!({ what: value.to_string() })) } else { data(value) }
}

/// Columns, each as wide as its widest cell; the last one is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut lines = Vec::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:<width$}  ");
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_from_elsewhere_cannot_paint_over_the_screen() {
        let (given, shown) = ("a\u{1b}[2Jb\r\nc\td\u{202e}e\u{9b}f äß漢", "a[2Jb\nc\tdef äß漢");
        assert_eq!(super::plain(given), shown);
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["edge".into(), "size".into()], vec!["edge-lange".into(), "7".into()]];
        assert_eq!(super::table(&rows), "edge        size\nedge-lange  7");
        assert_eq!(super::table(&[]), "");
    }
}
