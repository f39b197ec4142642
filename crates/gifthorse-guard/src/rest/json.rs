//! JSON that is changed in one place and stays as it is in all others.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

/// The members of an object, in order, each with its text as it stands.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(String, &'a str)>);

impl<'a> Members<'a> {
    /// None if this is no object.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        let mut at = Cursor::over(json)?;
        at.skip("{").then_some(())?;
        let mut members = Vec::new();
        while !at.skip("}") {
            let key = serde_json::from_str(at.value()?).ok()?;
            at.skip(":");
            members.push((key, at.value()?));
            at.skip(",");
        }
        Some(Self(members))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| *value)
    }

    /// The object with another value for a member, which is added if it is not there.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let mut members: Vec<(&str, &str)> = self
            .0
            .iter()
            .map(|(key, text)| (key.as_str(), if key == name { value } else { text }))
            .collect();
        if self.get(name).is_none() {
            members.push((name, value));
        }
        let members: Vec<String> = members
            .into_iter()
            .map(|(key, text)| format!("{}:{text}", Value::from(key)))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

/// The elements of a list, each with its text as it stands; none if this is no list.
pub(super) fn elements(json: &str) -> Option<Vec<&str>> {
    let mut at = Cursor::over(json)?;
    at.skip("[").then_some(())?;
    let mut elements = Vec::new();
    while !at.skip("]") {
        elements.push(at.value()?);
        at.skip(",");
    }
    Some(elements)
}

/// A place in JSON.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// None if this is no JSON; what it is divided by need not be checked then.
    fn over(json: &'a str) -> Option<Self> {
        serde_json::from_str::<IgnoredAny>(json).ok()?;
        Some(Self { rest: json })
    }

    fn skip(&mut self, mark: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The text of the value here.
    fn value(&mut self) -> Option<&'a str> {
        let from = self.rest.trim_start();
        let mut values = Deserializer::from_str(from).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (value, rest) = from.split_at_checked(values.byte_offset())?;
        self.rest = rest;
        Some(value)
    }
}
