//! Lines that can be read everywhere.

/// What RFC 5322, section 2.1.1, asks for is 78; this leaves room for being quoted.
const WIDTH: usize = 72;

/// Breaks each line at spaces so that none is longer than 72 characters, unless it is one word, such as a link.
pub(crate) fn wrap(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + 16);
    for line in text.lines() {
        wrap_line(line, &mut wrapped);
        wrapped.push('\n');
    }
    wrapped
}

fn wrap_line(line: &str, wrapped: &mut String) {
    let mut width = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            wrapped.push('\n');
            width = 0;
        } else if width > 0 {
            wrapped.push(' ');
            width += 1;
        }
        wrapped.push_str(word);
        width += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_words_stay_whole() {
        let link = format!("https://a.example/{}", "x".repeat(90));
        let wrapped = wrap(&format!("{}\n\n{link}\n", "four ".repeat(40).trim()));
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH || line == link), "{wrapped}");
        assert!(wrapped.contains(&format!("\n\n{link}\n")));
        assert_eq!(wrapped.split_whitespace().filter(|word| *word == "four").count(), 40);
    }
}
