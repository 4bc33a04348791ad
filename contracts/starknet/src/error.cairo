//! Why the registry refuses: the codes that all chains share, as short strings.

pub const E01_EXISTS: felt252 = 'E01';
pub const E03_BAD_TERMS: felt252 = 'E03';

pub const E10_NOT_ACTIVE: felt252 = 'E10';
pub const E11_FROZEN: felt252 = 'E11';
pub const E12_NOT_ADMIN: felt252 = 'E12';
pub const E13_TOO_MANY_OPEN_BY_PROPOSER: felt252 = 'E13';
pub const E14_TOO_MANY_OPEN: felt252 = 'E14';
pub const E15_BAD_EXPIRY: felt252 = 'E15';
pub const E16_BAD_ACTIONS: felt252 = 'E16';
pub const E17_RESERVED: felt252 = 'E17';

pub const E20_NOT_OPEN: felt252 = 'E20';
pub const E21_EXPIRED: felt252 = 'E21';
pub const E22_OTHER_ACTIONS: felt252 = 'E22';
pub const E23_APPROVER_NOT_ADMIN: felt252 = 'E23';
pub const E24_SEATED_LATER: felt252 = 'E24';
pub const E25_ALREADY_APPROVED: felt252 = 'E25';
pub const E27_NOT_APPROVED: felt252 = 'E27';
pub const E30_NOT_PROPOSER: felt252 = 'E30';
pub const E31_NOT_GUARDIAN: felt252 = 'E31';

pub const E40_OTHER_ACTIONS: felt252 = 'E40';
pub const E41_NOT_QUEUED: felt252 = 'E41';
pub const E42_TOO_EARLY: felt252 = 'E42';
pub const E43_EXPIRED: felt252 = 'E43';
pub const E44_FROZEN: felt252 = 'E44';
pub const E46_TOO_FEW_APPROVALS: felt252 = 'E46';
pub const E48_NOT_EXPIRED: felt252 = 'E48';

pub const E50_NOT_NOMINATED: felt252 = 'E50';
pub const E51_ALREADY_ADMIN: felt252 = 'E51';
pub const E52_NO_FREE_SEAT: felt252 = 'E52';
pub const E53_LAST_ADMIN: felt252 = 'E53';

pub const E54_REMOVAL_REFUSED: felt252 = 'E54';
pub const E55_BAD_THRESHOLD: felt252 = 'E55';
pub const E56_BAD_DELAY: felt252 = 'E56';
pub const E57_STALE_ROOT: felt252 = 'E57';
pub const E58_NOMINEE_IS_ADMIN: felt252 = 'E58';
pub const E59_BAD_TTL: felt252 = 'E59';

pub const E60_BAD_BINDING: felt252 = 'E60';
pub const E70_NO_CLAIMS: felt252 = 'E70';
pub const E71_NOT_INVITED: felt252 = 'E71';
pub const E72_INVITE_EXPIRED: felt252 = 'E72';
pub const E73_BAD_INVITE_SIGNATURE: felt252 = 'E73';
pub const E74_INVITE_USED: felt252 = 'E74';
pub const E80_FREEZE_REFUSED: felt252 = 'E80';

/// No code, since no transaction comes to it: only calls that simulate one have no caller.
pub const ZERO_CALLER: felt252 = 'zero caller';
