//! How much text a record can hold. The record is stored as JSON, so a text is measured as JSON writes it.

/// As much of a text of ours as takes `max` bytes inside a JSON string, with spaces for control characters.
pub(super) fn bounded(text: &str, max: usize) -> String {
    let mut room = max;
    let fits = |c: &char| {
        let rest = room.checked_sub(char_size(*c));
        room = rest.unwrap_or(room);
        rest.is_some()
    };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take_while(fits).collect()
}

/// How many bytes the text takes inside a JSON string.
pub(super) fn size(text: &str) -> usize {
    text.chars().map(char_size).sum()
}

const fn char_size(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(bounded("a\"b\\c\nd", 100), "a\"b\\c d");
        assert_eq!(bounded("🏨🏨🏨", 11), "🏨🏨");
        assert_eq!(bounded("\"\"", 3), "\"");
        assert_eq!(size("a\"🏨"), 7);
    }
}
