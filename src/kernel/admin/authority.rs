//! What somebody may do to members: nothing that would give them, or anybody, more than they have.

use std::collections::BTreeSet;

use crate::caller::{Caller, Role};
use crate::error::{Code, Error, Result};
use crate::permission::Permission;
use crate::store::enum_name;

/// By whose right a member is changed.
#[derive(Debug, Clone, Copy)]
pub enum Authority<'a> {
    /// Whoever gives commands beside the data could change the file.
    Operator,
    /// A caller of tools, with every permission that there is.
    Caller(&'a Caller, &'a BTreeSet<&'static str>),
}

impl Authority<'_> {
    /// Refuses a change to a member who is above the caller, and a role that allows anything which the caller may not do.
    /// `before` is none for who is new or comes back, `after` for who leaves.
    ///
    /// # Errors
    /// [`Code::Forbidden`] naming the permission, where one is lacking.
    pub(super) fn check(&self, before: Option<Role>, after: Option<Role>) -> Result<()> {
        let Self::Caller(caller, permissions) = *self else {
            return Ok(());
        };
        let own = enum_name(&caller.role);
        let hint = "Nothing was written. Somebody of a higher role does that, or the operator at the terminal: bureau member.";
        if let Some(above) = before.filter(|role| *role > caller.role) {
            let message = format!(
                "As {own} you do not change a member whose role is {}.",
                enum_name(&above)
            );
            return Err(Error::new(Code::Forbidden, message)
                .field("member")
                .hint(hint));
        }
        let Some(given) = after.filter(|role| before != Some(*role)) else {
            return Ok(());
        };
        let name = enum_name(&given);
        if given > caller.role {
            let message = format!("As {own} you give nobody the role {name}.");
            return Err(Error::new(Code::Forbidden, message)
                .field("role")
                .hint(hint));
        }
        let lacking = permissions
            .iter()
            .copied()
            .find(|name| given.allows_name(name) && !caller.may(Permission::new(name)));
        match lacking {
            None => Ok(()),
            Some(permission) => {
                let message = format!(
                    "The role {name} may {permission}, which you may not, so you give it to nobody."
                );
                Err(Error::new(Code::Forbidden, message)
                    .field("role")
                    .hint(hint)
                    .detail("permission", permission))
            }
        }
    }
}
