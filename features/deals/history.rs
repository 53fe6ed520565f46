//! The stages that a deal went through, from the change log: every move is there with its time.

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::time::Timestamp;
use serde::Deserialize;

use crate::deal::Deal;
use crate::stages::{Stage, StageKind};

/// The part of a change that moves a deal.
#[derive(Deserialize)]
struct Moved {
    stage: Option<Id<Stage>>,
}

/// The stages in the order in which the deal came to them.
pub(crate) async fn of(cx: &mut Cx, deal: Id<Deal>) -> Result<Vec<(Id<Stage>, Timestamp)>> {
    let workspace = cx.workspace().id;
    let rows = sql("SELECT at, after FROM change_log WHERE workspace = ")
        .value(workspace)
        .sql(" AND record = ")
        .value(deal)
        .sql(" AND entity = 'deal' AND after IS NOT NULL ORDER BY id")
        .rows(cx.tx())
        .await?;
    let mut moves = Vec::new();
    for row in rows {
        let after: String = row.get("after")?;
        let moved: Moved = serde_json::from_str(&after).map_err(Error::internal)?;
        if let Some(stage) = moved.stage {
            moves.push((stage, row.get("at")?));
        }
    }
    Ok(moves)
}

/// The last open stage of this pipeline in which the deal was.
pub(crate) async fn last_open_stage(
    cx: &mut Cx,
    deal: Id<Deal>,
    stages: &[Saved<Stage>],
) -> Result<Option<Id<Stage>>> {
    let open = |id: Id<Stage>| {
        stages
            .iter()
            .any(|stage| stage.id == id && stage.kind == StageKind::Open)
    };
    let moves = of(cx, deal).await?;
    Ok(moves
        .into_iter()
        .map(|(stage, _)| stage)
        .rfind(|stage| open(*stage)))
}
