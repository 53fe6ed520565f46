//! The rules of the quotations room.
