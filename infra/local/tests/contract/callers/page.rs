//! The table as a page of the documentation.

use std::fmt::Write;

use super::table::{Section, Table};

pub(super) fn of(table: &Table) -> String {
    let mut page = String::from("# Who is told what\n\n");
    page += "Generated from `infra/local/tests/contract/callers.txt`, which is the test: each cell is a call that it makes.\n\n";
    page += &paragraph(&table.preface);
    page += "| caller | is |\n|---|---|\n";
    for (name, meaning) in &table.callers {
        writeln!(page, "| {name} | {meaning} |").unwrap();
    }
    for section in &table.sections {
        page += &rows(section);
    }
    page
}

fn paragraph(lines: &[&str]) -> String {
    if lines.is_empty() { String::new() } else { format!("{}\n\n", lines.join("\n")) }
}

fn rows(section: &Section) -> String {
    let mut text = format!("\n## {}\n\n{}", section.title, paragraph(&section.notes));
    writeln!(text, "| route | {} |", section.callers.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(section.callers.len())).unwrap();
    for row in &section.rows {
        let expected: Vec<String> = row.expected.iter().map(u16::to_string).collect();
        writeln!(text, "| `{}` | {} |", row.key(), expected.join(" | ")).unwrap();
    }
    text
}
