//! What opens the keystore: a passphrase from a file or a person, or a key file.

use std::{io::IsTerminal as _, path::PathBuf};

use anyhow::{Context as _, bail};
use store::keystore::Unlock;
use zeroize::Zeroizing;

use crate::{folder::DataFolder, secret};

/// Where the secret is.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub(crate) struct UnlockArgs {
    /// Read the passphrase from this file, which only you may read.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Use this file of 32 random bytes instead of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

impl UnlockArgs {
    /// What the command line names, if it names something.
    ///
    /// # Errors
    /// If the file cannot be used or holds no passphrase.
    pub(crate) fn named(&self) -> anyhow::Result<Option<Unlock>> {
        if let Some(path) = &self.key_file {
            return Ok(Some(Unlock::KeyFile(path.clone())));
        }
        let Some(path) = &self.passphrase_file else { return Ok(None) };
        let passphrase = secret::text(path)?;
        if passphrase.is_empty() {
            bail!("{} holds no passphrase", path.display());
        }
        Ok(Some(Unlock::Passphrase(passphrase)))
    }

    /// What opens the node in `folder`: what is named, else its key file, else what a person types.
    ///
    /// # Errors
    /// As [`UnlockArgs::named`], and if there is nobody to ask.
    pub(crate) fn find(&self, folder: &DataFolder) -> anyhow::Result<Unlock> {
        if let Some(named) = self.named()? {
            return Ok(named);
        }
        if folder.key().is_file() {
            return Ok(Unlock::KeyFile(folder.key()));
        }
        if !std::io::stdin().is_terminal() {
            bail!("the keys are locked: give --passphrase-file or --key-file");
        }
        ask("Passphrase: ").map(Unlock::Passphrase)
    }
}

/// A new passphrase, typed twice.
///
/// # Errors
/// If it is empty or typed differently, or there is nobody to ask.
pub(crate) fn choose() -> anyhow::Result<Unlock> {
    let passphrase = ask("New passphrase: ")?;
    if passphrase.is_empty() {
        bail!("the passphrase is empty");
    }
    if ask("The same again: ")? != passphrase {
        bail!("the two passphrases differ");
    }
    Ok(Unlock::Passphrase(passphrase))
}

fn ask(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    let typed = rpassword::prompt_password(prompt);
    typed.map(Zeroizing::new).context("cannot ask for the passphrase")
}
