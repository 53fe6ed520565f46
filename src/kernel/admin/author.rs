//! In whose name something is arranged.

use crate::error::Result;
use crate::record::Cx;
use crate::record::summary::Written;
use crate::store::Tx;
use crate::store::log::Action;
use crate::types::id::Id;

/// As what the change log names whoever arranges something.
#[derive(Debug, Clone)]
pub(super) struct Author {
    pub(super) call: i64,
    pub(super) tool: String,
    pub(super) member: Option<i64>,
    pub(super) api_key: Option<i64>,
    pub(super) client: Option<String>,
    pub(super) undoes: Option<i64>,
}

impl Author {
    /// Whoever gives a command beside the data: one command, one change.
    pub(super) fn operator(tx: &Tx) -> Result<Self> {
        Ok(Self {
            call: tx.next_id()?,
            tool: "bureau".to_owned(),
            member: None,
            api_key: None,
            client: None,
            undoes: None,
        })
    }

    /// The caller of a tool: what it arranges is a part of its call.
    pub(super) fn of(cx: &Cx) -> Self {
        Self {
            call: cx.change().raw(),
            tool: cx.tool().to_owned(),
            member: cx.caller().person().map(Id::raw),
            api_key: cx.caller().key.map(Id::raw),
            client: cx.caller().client.clone(),
            undoes: cx.undoes(),
        }
    }
}

/// Notes for the person who is asked what a tool did to something that is arranged.
pub(super) fn note(
    cx: &mut Cx,
    entity: &'static str,
    noun: &'static str,
    record: i64,
    action: Action,
    title: &str,
) {
    let written = Written {
        entity,
        noun,
        record,
        action,
        version: 1,
        commits: None,
    };
    cx.note(&written, || title.to_owned());
}
