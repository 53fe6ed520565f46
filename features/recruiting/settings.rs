//! What a workspace arranges for recruiting: how long personal data is kept.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::settings::Setting;
use futures::FutureExt as _;
use serde_json::json;

use crate::{CANDIDATES, MANAGE_RECRUITING};

bureau_kernel::record! {
    /// What is arranged for the recruiting of a workspace. There is none before something is arranged.
    pub struct RecruitingSettings: "recruiting_settings", "rset", "recruiting settings" {
        /// How many months after the end of their last procedure candidates are anonymized; none where nobody is by itself.
        pub retention_months: Option<Months>,
    }
}

impl Record for RecruitingSettings {
    const ACCESS: Access = Access {
        read: CANDIDATES.read,
        create: MANAGE_RECRUITING,
        update: MANAGE_RECRUITING,
        delete: MANAGE_RECRUITING,
    };

    fn label(&self) -> String {
        "Recruiting settings".to_owned()
    }
}

/// What is arranged; none where nothing is.
///
/// # Errors
/// What the database says.
pub(crate) async fn settings(cx: &mut Cx) -> Result<Option<Saved<RecruitingSettings>>> {
    // Listed and not got: a call that writes does not lock it for all others.
    let list = cx.list::<RecruitingSettings>();
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    Ok(page.rows.into_iter().next())
}

/// How many months personal data is kept.
pub type Months = BoundedInt<1, 120>;

/// Arranges recruiting anew: what is given, and what is emptied.
///
/// # Errors
/// What writing refuses.
pub async fn arrange(
    cx: &mut Cx,
    retention_months: Option<Months>,
    clear: &[ClearField<RecruitingSettings>],
) -> Result<()> {
    let workspace = cx.workspace().id;
    cx.tx()
        .serialize(&format!("recruiting settings of {workspace}"))
        .await?;
    let Some(present) = settings(cx).await? else {
        let settings = RecruitingSettings { retention_months };
        return cx.insert(settings, Attributes::new()).await.map(drop);
    };
    let mut edit = cx.edit(present.id).await?;
    edit.clear_fields(clear);
    edit.retention_months = retention_months.or(edit.retention_months);
    edit.save(cx).await.map(drop)
}

/// How recruiting is arranged.
pub(crate) static ARRANGEMENTS: Setting = Setting {
    name: "recruiting",
    read: CANDIDATES.read,
    show: |cx| {
        async move {
            let settings = settings(cx).await?;
            let months = settings.and_then(|settings| settings.retention_months);
            Ok(json!({ "retention_months": months }))
        }
        .boxed()
    },
};
