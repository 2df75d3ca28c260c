//! What is refused.

use std::fmt;

use super::{Step, TenantStatus};

/// A move that the state of the record does not allow. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant that is {from} in attempt {attempt} cannot {to}")]
pub struct IllegalMove {
    /// How the tenant stands.
    pub from: TenantStatus,
    /// The present attempt.
    pub attempt: u32,
    /// What was asked for.
    pub to: Move,
}

/// What one can ask of a [`super::Provisioning`], with the attempt for which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the functions of `Provisioning`")]
pub enum Move {
    Queue { attempt: u32 },
    Begin { step: Step, attempt: u32 },
    Succeed { step: Step, attempt: u32 },
    Warn { step: Step, attempt: u32 },
    Undo { step: Step, attempt: u32 },
    Orphan { step: Step, attempt: u32 },
    Ready { attempt: u32 },
    Fail { attempt: u32 },
    Retry,
    Suspend,
    Resume,
    Deprovision,
    Restore,
    BeginRemoval { attempt: u32 },
    Archive { attempt: u32 },
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { attempt } => write!(f, "be queued in attempt {attempt}"),
            Self::Begin { step, attempt } => write!(f, "begin {step} in attempt {attempt}"),
            Self::Succeed { step, attempt } => write!(f, "end {step} in attempt {attempt}"),
            Self::Warn { step, attempt } => write!(f, "do without {step} in attempt {attempt}"),
            Self::Undo { step, attempt } => write!(f, "undo {step} in attempt {attempt}"),
            Self::Orphan { step, attempt } => {
                write!(f, "leave {step} orphaned in attempt {attempt}")
            }
            Self::Ready { attempt } => write!(f, "become ready in attempt {attempt}"),
            Self::Fail { attempt } => write!(f, "fail in attempt {attempt}"),
            Self::Retry => f.write_str("be tried again"),
            Self::Suspend => f.write_str("be suspended"),
            Self::Resume => f.write_str("be activated"),
            Self::Deprovision => f.write_str("be given up"),
            Self::Restore => f.write_str("be restored"),
            Self::BeginRemoval { attempt } => write!(f, "be removed, in attempt {attempt}"),
            Self::Archive { attempt } => write!(f, "be archived, in attempt {attempt}"),
        }
    }
}
