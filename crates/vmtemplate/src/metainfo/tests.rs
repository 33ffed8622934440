//! Edits of whole documents.
