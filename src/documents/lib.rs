//! What a commercial document looks like to those who receive it: on paper (PDF), and as a structured e-invoice (EN 16931
//! in its two syntaxes, and Factur-X, which is both at once).
//!
//! Everything starts from one [`Document`]: plain data, complete, computed by others. Nothing here knows of records, tools or
//! a database, and nothing here computes an amount.

mod areas;
#[cfg(feature = "einvoice")]
pub mod einvoice;
mod error;
mod language;
mod model;
#[cfg(feature = "pdf")]
mod pdf;

pub use areas::is_in_eu;
pub use error::Error;
pub use language::{LANGUAGES, usual_reason};
pub use model::{
    AllowanceOrCharge, BankAccount, Document, DocumentKind, HomeTax, Line, Logo, Party, Reference,
    Tax, TaxCategory, TaxSubtotal, Totals,
};
#[cfg(feature = "pdf")]
pub use pdf::{Fonts, Part, pdf, unasked, unprintable};
