//! `callers.txt`, read.

const TEXT: &str = include_str!("../callers.txt");

/// Who calls what, and what they are told.
pub(super) struct Table {
    /// What stands before everything else.
    pub(super) preface: Vec<&'static str>,
    /// Names and what they mean.
    pub(super) callers: Vec<(&'static str, &'static str)>,
    pub(super) sections: Vec<Section>,
}

/// Rows under a title and the names of some callers.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) callers: Vec<&'static str>,
    pub(super) notes: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) expected: Vec<u16>,
}

impl Row {
    /// As `routes::policies` calls it.
    pub(super) fn key(&self) -> String {
        if self.path == "$default" { self.path.to_owned() } else { format!("{} {}", self.method, self.path) }
    }
}

impl Table {
    pub(super) fn read() -> Self {
        let mut table = Self { preface: Vec::new(), callers: Vec::new(), sections: Vec::new() };
        let mut columns = Vec::new();
        for line in TEXT.lines().filter(|line| !line.is_empty()) {
            if let Some(title) = line.strip_prefix("## ") {
                table.sections.push(Section { title, callers: columns.clone(), notes: Vec::new(), rows: Vec::new() });
            } else if let Some(note) = line.strip_prefix("# ") {
                table.sections.last_mut().map_or(&mut table.preface, |section| &mut section.notes).push(note);
            } else if let Some(caller) = line.strip_prefix('@') {
                let (name, meaning) = caller.split_once(' ').unwrap();
                table.callers.push((name, meaning.trim()));
            } else if let Some(names) = line.strip_prefix("columns ") {
                columns = names.split_whitespace().collect();
            } else {
                table.sections.last_mut().unwrap().rows.push(row(line));
            }
        }
        for section in &table.sections {
            for row in &section.rows {
                assert_eq!(row.expected.len(), section.callers.len(), "{}: one status for each caller", row.key());
            }
        }
        table
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    /// Each row with each of its callers and the status that is expected.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&Row, &'static str, u16)> {
        self.sections.iter().flat_map(|section| {
            section.rows.iter().flat_map(|row| {
                let told = section.callers.iter().zip(&row.expected);
                told.map(move |(caller, status)| (row, *caller, *status))
            })
        })
    }
}

fn row(line: &'static str) -> Row {
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let status = |word: &str| word.parse().unwrap_or_else(|_| panic!("{word} is no status: {line}"));
    Row { method, path, expected: words.map(status).collect() }
}
