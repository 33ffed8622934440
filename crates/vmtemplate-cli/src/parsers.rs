//! Parsers of option values, with messages that say what an option expects.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;

use vmtemplate::Error;

/// A parser for an option whose value is `what`, a whole number from `least` to `most`.
///
/// It refuses only what is not a `T`. A number that a `T` can hold and the library refuses is left to the library,
/// which reports it together with all other problems.
pub(crate) fn number<T>(
    what: &'static str,
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + Display + Copy + Send + Sync + 'static,
{
    move |text| text.parse().map_err(|_| format!("expected {what}, a whole number from {least} to {most}"))
}

/// A parser for an option whose value is a name that the library parses: the message includes the help of its error.
pub(crate) fn name<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| format!("{error:#}"))
}

/// The parser of every `--threads`.
pub(crate) fn threads() -> impl Fn(&str) -> Result<NonZeroUsize, String> + Clone + Send + Sync + 'static {
    number("a number of threads", NonZeroUsize::MIN, NonZeroUsize::MAX)
}
