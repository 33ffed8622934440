//! The tags of a template.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The words that a template is tagged with, in their order: `windows,windows2019`.
///
/// A tag has no comma and no white space at its ends; empty ones are left out. Its JSON form is a list of strings.
///
/// ```
/// use vmtemplate::metainfo::Tags;
///
/// let tags: Tags = " windows, windows2019,".into();
/// assert_eq!(tags.to_string(), "windows,windows2019");
/// assert!(tags.contains("windows"));
/// assert_eq!(tags.iter().count(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Tags(Vec<String>);

impl Tags {
    /// The tags, in their order.
    ///
    /// ```
    /// # use vmtemplate::metainfo::Tags;
    /// assert_eq!(Tags::from("a,b").iter().collect::<Vec<_>>(), ["a", "b"]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether this tag is among them; case matters.
    ///
    /// ```
    /// # use vmtemplate::metainfo::Tags;
    /// assert!(!Tags::from("windows").contains("Windows"));
    /// ```
    pub fn contains(&self, tag: &str) -> bool {
        self.iter().any(|held| held == tag)
    }

    /// How many there are.
    ///
    /// ```
    /// # use vmtemplate::metainfo::Tags;
    /// assert_eq!(Tags::from("a,b").len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// # use vmtemplate::metainfo::Tags;
    /// assert!(Tags::from(" , ").is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Tags {
    /// A string with commas gives several tags.
    fn from_iter<I: IntoIterator<Item = S>>(tags: I) -> Self {
        let mut held = Vec::new();
        for tag in tags {
            held.extend(
                tag.as_ref().split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned),
            );
        }
        Self(held)
    }
}

impl From<&str> for Tags {
    fn from(text: &str) -> Self {
        std::iter::once(text).collect()
    }
}

impl From<Vec<String>> for Tags {
    fn from(tags: Vec<String>) -> Self {
        tags.into_iter().collect()
    }
}

impl From<Tags> for Vec<String> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_their_order_and_lose_white_space_and_empty_ones() {
        let tags = Tags::from("b ,, a\t,c d,");
        assert_eq!(tags.iter().collect::<Vec<_>>(), ["b", "a", "c d"]);
        assert_eq!(Tags::from_iter(["x,y", "", "z"]).to_string(), "x,y,z");
    }

    #[test]
    fn json_is_a_list_of_strings_and_is_cleaned_when_read() {
        assert_eq!(serde_json::to_string(&Tags::from("a,b")).unwrap(), r#"["a","b"]"#);
        assert_eq!(serde_json::from_str::<Tags>(r#"["a, b", ""]"#).unwrap(), Tags::from("a,b"));
    }
}
