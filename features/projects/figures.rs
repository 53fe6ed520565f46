//! What modules that stand above this one say of a project, such as the time that was worked on it. This one knows nothing of them.

use bureau_kernel::prelude::*;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::project::Project;

/// What a module says of a project where it is answered by itself. The module lists this among what it provides.
#[derive(Debug)]
pub struct ProjectFigures {
    /// Shows it, as far as the caller may read it: by names that are no columns of a project.
    pub show: ShowFigures,
}

/// Shows what is said of a project.
pub type ShowFigures =
    for<'a> fn(&'a mut Cx, Id<Project>) -> BoxFuture<'a, Result<Map<String, Value>>>;

/// What all modules say of a project.
///
/// # Errors
/// What the database says.
pub(crate) async fn figures_of(cx: &mut Cx, project: Id<Project>) -> Result<Map<String, Value>> {
    let parts: Vec<&'static ProjectFigures> = cx.provided().collect();
    let mut figures = Map::new();
    for part in parts {
        figures.extend((part.show)(cx, project).await?);
    }
    Ok(figures)
}
