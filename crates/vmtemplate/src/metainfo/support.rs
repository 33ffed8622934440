//! The products that can use a template.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use super::document::{Document, Node};

/// The version of a product, compared as `a.b.c`.
///
/// Missing parts are 0, and everything from the first character that is neither digit nor dot is dropped, as the
/// platform does it (its template reader, VMmanager 5 generation). A part past 2^64-1 counts as that.
///
/// ```
/// use vmtemplate::metainfo::ProductVersion;
///
/// assert!(ProductVersion::from("5.10") > ProductVersion::from("5.9.3"));
/// assert_eq!(ProductVersion::from("5.4.0-beta.2"), ProductVersion::new(5, 4, 0));
/// assert_eq!(ProductVersion::from("6").to_string(), "6.0.0");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct ProductVersion([u64; 3]);

impl ProductVersion {
    /// The version `major.minor.patch`.
    ///
    /// ```
    /// # use vmtemplate::metainfo::ProductVersion;
    /// assert_eq!(ProductVersion::new(5, 45, 0), "5.45".into());
    /// ```
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self([major, minor, patch])
    }

    /// The three numbers, `[major, minor, patch]`.
    ///
    /// ```
    /// # use vmtemplate::metainfo::ProductVersion;
    /// assert_eq!(ProductVersion::from("5.45").parts(), [5, 45, 0]);
    /// ```
    pub const fn parts(self) -> [u64; 3] {
        self.0
    }
}

impl From<&str> for ProductVersion {
    fn from(text: &str) -> Self {
        let text = text.trim();
        let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
        let mut parts = text[..end].split('.').map(|part| {
            part.bytes().fold(0_u64, |number, digit| {
                number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
            })
        });
        Self(std::array::from_fn(|_| parts.next().unwrap_or(0)))
    }
}

impl From<String> for ProductVersion {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

// Not derived, for the reason that `Support` gives.
impl Serialize for ProductVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct("ProductVersion", &self.to_string())
    }
}

impl fmt::Display for ProductVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// One product that can use a template, and the least version of it that can.
///
/// As text it is `VMmgr` or `VMmgr:5.4.0`; its JSON form is an object of `name` and `min_version`.
///
/// ```
/// use vmtemplate::metainfo::Product;
///
/// let product = Product::from("DCImgr:5.4");
/// assert_eq!(product.name, "DCImgr");
/// assert_eq!(product.min_version, Some("5.4".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Product {
    /// `VMmgr`, `DCImgr` or `VEmgr`, or another; compared without regard to case.
    pub name: String,
    /// The least version that can use the template; every one if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<ProductVersion>,
}

impl Product {
    /// The product's name as it is compared.
    pub(crate) fn key(name: &str) -> String {
        name.trim().to_lowercase()
    }

    /// An element of `support` as text, with the version as it is written.
    pub(crate) fn text_of(document: &Document, node: Node) -> String {
        let name = document.value(node);
        match document.attribute(node, "version") {
            Some(version) => format!("{name}:{version}"),
            None => name.into_owned(),
        }
    }
}

impl From<&str> for Product {
    fn from(text: &str) -> Self {
        match text.split_once(':') {
            Some((name, version)) => Self { name: name.trim().to_owned(), min_version: Some(version.into()) },
            None => Self { name: text.trim().to_owned(), min_version: None },
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.min_version {
            Some(version) => write!(f, ":{version}"),
            None => Ok(()),
        }
    }
}

/// The products that can use a template, in the order of the file.
///
/// ```
/// use vmtemplate::metainfo::Support;
///
/// let support: Support = "VMmgr:5.4,DCImgr".into();
/// assert!(support.allows("vmmgr", &"5.10.1".into()));
/// assert!(!support.allows("vmmgr", &"5.3.9".into()));
/// assert!(!support.allows("VEmgr", &"9".into()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Support {
    /// The products.
    pub products: Vec<Product>,
}

// Not derived: a serializer that has classes for values, as that of the Python module, needs the name of the type.
impl Serialize for Support {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct("Support", &self.products)
    }
}

impl Support {
    /// Whether this version of the product can use the template.
    ///
    /// A product that is named twice is allowed by either.
    ///
    /// ```
    /// # use vmtemplate::metainfo::Support;
    /// assert!(!Support::default().allows("VMmgr", &"6".into()));
    /// ```
    pub fn allows(&self, product: &str, version: &ProductVersion) -> bool {
        let key = Product::key(product);
        self.products.iter().any(|held| {
            Product::key(&held.name) == key && held.min_version.is_none_or(|least| *version >= least)
        })
    }
}

impl<P: Into<Product>> FromIterator<P> for Support {
    fn from_iter<I: IntoIterator<Item = P>>(products: I) -> Self {
        Self { products: products.into_iter().map(Into::into).collect() }
    }
}

impl From<&str> for Support {
    fn from(text: &str) -> Self {
        text.split(',').filter(|product| !product.trim().is_empty()).collect()
    }
}

impl FromStr for Support {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, product) in self.products.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{product}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers_part_by_part() {
        let ascending = ["", "4.99", "5", "5.0.1", "5.4.0", "5.4.1", "5.10", "5.10.2", "6", "10"];
        for pair in ascending.windows(2) {
            assert!(ProductVersion::from(pair[0]) < pair[1].into(), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn what_follows_the_first_character_that_is_no_digit_and_no_dot_is_dropped() {
        for (text, same) in
            [("5.4.0-1", "5.4"), ("5.4beta.9", "5.4.0"), ("v5", "0"), (".5", "0.5"), ("5..2", "5.0.2")]
        {
            assert_eq!(ProductVersion::from(text), same.into(), "{text}");
        }
        assert_eq!(ProductVersion::from("1.2.3.4"), ProductVersion::new(1, 2, 3));
    }

    #[test]
    fn a_huge_number_in_a_version_does_not_overflow() {
        let huge = ProductVersion::from("99999999999999999999999999.1");
        assert_eq!(huge, ProductVersion::new(u64::MAX, 1, 0));
        assert!(huge > "5".into());
    }

    #[test]
    fn a_product_is_compared_without_case_and_needs_its_least_version() {
        let support = Support::from("VMmgr:5.45, VEmgr");
        assert!(support.allows("VMMGR", &"5.45".into()));
        assert!(!support.allows("VMmgr", &"5.44.9".into()));
        assert!(support.allows("vemgr", &ProductVersion::default()));
    }

    #[test]
    fn json_names_the_product_and_its_least_version() {
        let support = Support::from("VMmgr:5.45,VEmgr");
        let json = serde_json::to_string(&support).unwrap();
        assert_eq!(json, r#"[{"name":"VMmgr","min_version":"5.45.0"},{"name":"VEmgr"}]"#);
        assert_eq!(serde_json::from_str::<Support>(&json).unwrap(), support);
    }
}
