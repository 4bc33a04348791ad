//! Reads big-endian fields off bytes; never past their end.

use types::Hash;

use crate::anchor::{ACCOUNT_BYTES_MAX, Account, Code};

/// What is left to read. Every failure is [`Code::E16`].
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Code> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Code::E16)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Code> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Code::E16)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Code> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Code> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Code> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Code> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn hash(&mut self) -> Result<Hash, Code> {
        self.array().map(Hash::from_bytes)
    }

    pub(super) fn account(&mut self) -> Result<Account, Code> {
        self.account_if_any()?.ok_or(Code::E16)
    }

    /// An account of length 0 stands for none.
    pub(super) fn account_if_any(&mut self) -> Result<Option<Account>, Code> {
        let len = usize::from(self.u8()?);
        if len > ACCOUNT_BYTES_MAX {
            return Err(Code::E16);
        }
        let bytes = self.bytes(len)?;
        if bytes.is_empty() { Ok(None) } else { Account::new(bytes).map(Some).ok_or(Code::E16) }
    }

    /// Everything must have been read.
    pub(super) fn finish(self) -> Result<(), Code> {
        if self.0.is_empty() { Ok(()) } else { Err(Code::E16) }
    }
}
