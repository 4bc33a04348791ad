//! One child process with its log, ended when dropped.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::wait::eventually;

/// How many lines of the log are shown when a test fails.
const TAIL_LINES: usize = 60;

/// A running program. Dropping it kills it and waits until it is gone.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints is added to the end of `log`.
    ///
    /// # Errors
    /// If the log cannot be written or the program cannot be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = OpenOptions::new().create(true).append(true).open(log);
        let out = out.with_context(|| format!("could not write {}", log.display()))?;
        let err = out.try_clone().context("could not share the log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .with_context(|| format!("could not start {name}: {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        status.with_context(|| format!("could not watch {}", self.name))
    }

    /// An error with the end of its log if it is no longer running.
    ///
    /// # Errors
    /// If it has ended.
    pub fn expect_running(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.log_tail()),
        }
    }

    /// `kill -9`: no chance to write anything. Returns once it is gone; twice is a no-op.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        let killed = self.child.kill();
        killed.with_context(|| format!("could not kill {}", self.name))?;
        let gone = self.child.wait();
        gone.with_context(|| format!("could not wait for {}", self.name))?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// If it is still there after `limit`.
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal("TERM")?;
        eventually(limit, async || {
            self.ended()?.ok_or_else(|| anyhow!("{} does not end", self.name))
        })
        .await
    }

    /// Freezes it (SIGSTOP): connections stay open, nothing answers.
    ///
    /// # Errors
    /// If it is gone.
    pub fn freeze(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Lets a frozen process go on (SIGCONT).
    ///
    /// # Errors
    /// If it is gone.
    pub fn thaw(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// All that it printed so far, over all starts on the same log.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log(&self) -> Result<String> {
        let bytes = fs::read(&self.log);
        let bytes = bytes.with_context(|| format!("could not read {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn log_tail(&self) -> String {
        let text = match self.log() {
            Ok(text) => text,
            Err(error) => return format!("{error:#}"),
        };
        let lines: Vec<&str> = text.lines().collect();
        let skipped = lines.len().saturating_sub(TAIL_LINES);
        lines.get(skipped..).unwrap_or_default().join("\n")
    }

    /// The standard library sends only SIGKILL; every shell has `kill`.
    fn signal(&self, signal: &str) -> Result<()> {
        let script = format!("kill -{signal} {}", self.id());
        let status = Command::new("sh").args(["-c", &script]).status();
        let status = status.context("could not start sh")?;
        if !status.success() {
            bail!("could not send {signal} to {}", self.name);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the last lines of {}\n{}", self.name, self.log_tail());
        }
        // A drop cannot fail: what is left is to say so.
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::Process;

    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str, folder: &tempfile::TempDir) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("script", command, &folder.path().join("log")).expect("sh starts")
    }

    fn is_alive(id: u32) -> bool {
        let script = format!("kill -0 {id} 2>/dev/null");
        let status = Command::new("sh").args(["-c", &script]).status();
        status.expect("sh starts").success()
    }

    #[test]
    fn dropping_ends_the_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = shell("exec sleep 600", &folder);
        let id = process.id();
        assert!(is_alive(id));
        drop(process);
        assert!(!is_alive(id));
    }

    #[test]
    fn a_panic_ends_the_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = shell("exec sleep 600", &folder);
        let id = process.id();
        let thread = std::thread::spawn(move || {
            let _held = process;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        assert!(!is_alive(id));
    }

    #[tokio::test]
    async fn ending_is_asked_for_and_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "trap 'echo bye; exit 7' TERM; echo here; while :; do sleep 0.05; done";
        let mut process = shell(script, &folder);
        let greeted = crate::eventually(LONG, async || {
            anyhow::ensure!(process.log()?.contains("here"), "silent");
            Ok(())
        });
        greeted.await.expect("it starts");
        process.expect_running().expect("it runs");
        let status = process.terminate(LONG).await.expect("it ends");
        assert_eq!(status.code(), Some(7));
        assert!(process.log().expect("the log").contains("bye"));
        let error = process.expect_running().expect_err("it ended");
        assert!(error.to_string().contains("bye"), "{error}");
        process.kill().expect("twice is a no-op");
    }
}
