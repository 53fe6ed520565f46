//! Pictures that documents have: a document keeps the digest of its logo, and the picture stays when the seller has another one.

use bureau_documents::Logo;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::seller::{Seller, read_logo};
use crate::{MANAGE_INVOICING, READ_INVOICES};

bureau_kernel::record! {
    /// A picture that is or was the seller's logo. It is never changed.
    pub struct Picture: "picture", "pic", "picture" {
        /// SHA-256 of what it is in base64.
        pub digest: ShortText<64> => [key],
        /// A PNG or JPEG file in base64.
        pub content: String,
    }
}

impl Record for Picture {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: MANAGE_INVOICING,
        update: MANAGE_INVOICING,
        delete: MANAGE_INVOICING,
    };

    fn label(&self) -> String {
        self.digest.to_string()
    }
}

fn digest(logo: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(logo.as_bytes()))
}

/// The seller as it is kept in what is issued: with the digest of its logo in place of the picture.
#[must_use]
pub fn frozen(seller: Seller) -> Seller {
    Seller {
        logo: seller.logo.as_deref().map(digest),
        ..seller
    }
}

/// Keeps a logo for what is issued with it.
///
/// # Errors
/// What the database says.
pub(crate) async fn keep(cx: &mut Cx, logo: &str) -> Result<()> {
    let digest = digest(logo);
    if kept(cx, &digest).await?.is_some() {
        return Ok(());
    }
    let picture = Picture {
        digest: ShortText::new(&digest).map_err(Error::internal)?,
        content: logo.to_owned(),
    };
    cx.insert(picture, Attributes::new()).await.map(drop)
}

/// Also one that was archived with the call that brought it, because a document may have it all the same.
async fn kept(cx: &mut Cx, digest: &str) -> Result<Option<String>> {
    let rows = sql("SELECT content")
        .from_all::<Picture>(cx)
        .sql(" AND digest = ")
        .value(digest.to_owned())
        .sql(" LIMIT 1")
        .rows(cx.tx())
        .await?;
    rows.first().map(|row| row.get("content")).transpose()
}

/// The logo of a seller as it stands in a document, or as it is now.
///
/// # Errors
/// What the database says.
pub(crate) async fn logo_of(
    cx: &mut Cx,
    seller: &Seller,
    current: &Seller,
) -> Result<Option<Logo>> {
    let Some(logo) = &seller.logo else {
        return Ok(None);
    };
    if let Some(logo) = seller.logo() {
        return Ok(Some(logo));
    }
    match kept(cx, logo).await? {
        Some(kept) => Ok(read_logo(&kept).ok()),
        // One that was noted in another way than by its owner's command.
        None => Ok(current
            .logo()
            .filter(|_| current.logo.as_deref().map(digest).as_ref() == Some(logo))),
    }
}
