//! Lists: `limit`, and an opaque `cursor` from the page before.

use std::{fmt::Display, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use domain::Rule;

use super::{
    problem::{Problem, kinds},
    route::Cx,
};

/// Entries on a page, unless the caller says otherwise.
pub const DEFAULT_LIMIT: u16 = 50;
/// Entries that a page may have.
pub const MAX_LIMIT: u16 = 100;

/// Which page of a list the caller wants.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// 1 to [`MAX_LIMIT`].
    pub limit: u16,
    /// The last entry of the page before.
    pub after: Option<T>,
}

/// A parameter by which a list leaves entries out.
#[derive(Debug)]
pub struct Filter {
    /// Its name in the query.
    pub name: &'static str,
    /// What it does, for the documentation.
    pub about: &'static str,
}

/// What a page hands out to go on after this entry. It is not secret and proves nothing: whoever reads the list reads it
/// within their own tenant, whatever the cursor says.
pub fn cursor(last: &impl Display) -> String {
    URL_SAFE_NO_PAD.encode(last.to_string())
}

/// For a cursor that this list, with these filters, has never handed out.
pub fn not_a_cursor() -> Problem {
    invalid("cursor is next_cursor of the page before")
}

/// What a cursor in a body was made of.
///
/// # Errors
/// It is no cursor, or not of this list.
pub fn uncursor<T: FromStr>(text: &str) -> Result<T, Rule> {
    entry(text).ok_or_else(|| Rule::new("invalid", "is not next_cursor of the part before"))
}

impl Cx {
    /// The page that the query asks for.
    ///
    /// # Errors
    /// [`kinds::INVALID_QUERY`], for another parameter too: a misspelt `cursor` would begin again and again.
    pub fn listing<T: FromStr>(&self) -> Result<Listing<T>, Problem> {
        listing(&self.query, &[])
    }

    /// As [`Cx::listing`], beside these filters. What they are given is [`Cx::filter`].
    ///
    /// # Errors
    /// [`kinds::INVALID_QUERY`].
    pub fn filtered<T: FromStr>(&self, filters: &[Filter]) -> Result<Listing<T>, Problem> {
        listing(&self.query, filters)
    }

    /// What the query says under the name of a filter, by its own rule.
    ///
    /// # Errors
    /// [`kinds::INVALID_QUERY`], with what `parse` finds wrong.
    pub fn filter<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, Rule>) -> Result<Option<T>, Problem> {
        let given = self.query.iter().find(|(given, _)| given == name);
        let parsed = given.map(|(_, value)| parse(value)).transpose();
        parsed.map_err(|rule| invalid(&format!("{name} {}", rule.detail)))
    }
}

fn listing<T: FromStr>(query: &[(String, String)], filters: &[Filter]) -> Result<Listing<T>, Problem> {
    let takes = || {
        let names: String = filters.iter().map(|filter| format!(", {}", filter.name)).collect();
        invalid(&format!("this list takes limit and cursor{names}, each once"))
    };
    let mut listing = Listing { limit: DEFAULT_LIMIT, after: None };
    for (index, (name, value)) in query.iter().enumerate() {
        if query[..index].iter().any(|(before, _)| before == name) {
            return Err(takes());
        }
        match name.as_str() {
            "limit" => listing.limit = limit(value).ok_or_else(|| invalid("limit is a number from 1 to 100"))?,
            "cursor" => {
                let last = entry(value).ok_or_else(not_a_cursor)?;
                listing.after = Some(last);
            }
            name if filters.iter().any(|filter| filter.name == name) => {}
            _ => return Err(takes()),
        }
    }
    Ok(listing)
}

fn limit(text: &str) -> Option<u16> {
    text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
}

fn entry<T: FromStr>(cursor: &str) -> Option<T> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

fn invalid(detail: &str) -> Problem {
    Problem::new(&kinds::INVALID_QUERY).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Result<Listing<u32>, &'static str> {
        let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        listing(&query, &[]).map_err(|problem| problem.code())
    }

    #[test]
    fn a_page_is_asked_for_by_limit_and_cursor() {
        assert_eq!(asked(&[]), Ok(Listing { limit: 50, after: None }));
        assert_eq!(asked(&[("limit", "1")]), Ok(Listing { limit: 1, after: None }));
        assert_eq!(asked(&[("cursor", &cursor(&7))]), Ok(Listing { limit: 50, after: Some(7) }));
    }

    #[test]
    fn what_does_not_parse_is_refused() {
        for query in [("limit", "0"), ("limit", "101"), ("limit", "1,2"), ("limit", ""), ("limit", "-1")] {
            assert_eq!(asked(&[query]), Err("invalid_query"), "{query:?}");
        }
        assert_eq!(asked(&[("limit", "1"), ("limit", "1")]), Err("invalid_query"));
        for query in [("cursor", "7"), ("cursor", ""), ("cursor", "Nw=="), ("curser", "Nw"), ("Limit", "1")] {
            assert_eq!(asked(&[query]), Err("invalid_query"), "{query:?}");
        }
    }
}
