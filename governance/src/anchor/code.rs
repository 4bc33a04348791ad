//! Why a contract refuses, by numbers that all chains share.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal $sentence:literal,)*) => {
        /// Why a contract refused. The number is the hexadecimal digits of the name, read as hex.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Code {
            $(
                #[doc = $sentence]
                #[error("{}: {}", stringify!($name), $sentence)]
                $name = $number,
            )*
        }

        impl Code {
            /// All of them, ascending.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code of this number, e.g. `0x57`.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its number.
            pub const fn number(self) -> u16 {
                self as u16
            }
        }
    };
}

codes! {
    E01 = 0x01 "this context exists already",
    E02 = 0x02 "the deposit does not cover the storage",
    E03 = 0x03 "the terms are out of bounds",
    E10 = 0x10 "the context is not active on this chain",
    E11 = 0x11 "the context is frozen: nothing grave is proposed",
    E12 = 0x12 "the account is not an admin",
    E13 = 0x13 "the admin has 8 open proposals",
    E14 = 0x14 "the context has 64 open proposals",
    E15 = 0x15 "the proposal expires too early or too late",
    E16 = 0x16 "the actions are malformed",
    E17 = 0x17 "an action is reserved for a later version",
    E20 = 0x20 "the proposal is not open",
    E21 = 0x21 "the proposal expires too early to be approved",
    E22 = 0x22 "the proposal has other actions",
    E23 = 0x23 "only admins approve",
    E24 = 0x24 "the admin was seated after the proposal was made",
    E25 = 0x25 "the admin has approved already",
    E26 = 0x26 "an approval's signature does not hold",
    E27 = 0x27 "the admin has not approved",
    E30 = 0x30 "only the proposer withdraws a proposal",
    E31 = 0x31 "only the guardian vetoes, and not a guardian that all admins approve",
    E40 = 0x40 "the proposal has other actions than these",
    E41 = 0x41 "the proposal does not wait for execution",
    E42 = 0x42 "the delay is not over",
    E43 = 0x43 "the proposal has expired",
    E44 = 0x44 "the context is frozen: nothing is executed",
    E46 = 0x46 "too few approvals still count",
    E48 = 0x48 "the proposal has not expired",
    E50 = 0x50 "the account is not nominated, or its nomination has run out",
    E51 = 0x51 "the account is an admin already",
    E52 = 0x52 "all seats are taken",
    E53 = 0x53 "the last admin cannot leave",
    E54 = 0x54 "the removal would leave too few admins, or the account is none",
    E55 = 0x55 "the threshold must be 1 up to the number of admins",
    E56 = 0x56 "a delay is at most 30 days",
    E57 = 0x57 "the root has changed since; make the change anew on the present state",
    E58 = 0x58 "the nominee is an admin already",
    E59 = 0x59 "a nomination stands for 1 second up to 90 days",
    E60 = 0x60 "the binding has expired, or its key did not sign it",
    E70 = 0x70 "this context has no claims on chain",
    E71 = 0x71 "the invitation is not under the invite root, or has no such use",
    E72 = 0x72 "the invitation has expired",
    E73 = 0x73 "the invite key did not sign the claim",
    E74 = 0x74 "this use of the invitation is used up",
    E80 = 0x80 "only the guardian freezes, for up to 7 days, once in 30",
}
