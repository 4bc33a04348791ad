//! Runs other programs: prints what is run, shows that long steps live, says how they ended.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a silent step says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How often a running child is looked at.
const POLL: Duration = Duration::from_millis(50);
/// Lines of a failed silent step that are shown.
const TAIL_LINES: usize = 40;
/// Steps that took longer say how long.
const WORTH_SAYING: Duration = Duration::from_secs(10);

/// One program to run, with its arguments, folder and environment.
#[derive(Debug)]
pub(crate) struct Run {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
}

impl Run {
    /// `program` is a path, or a name that `PATH` resolves.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self { program: program.as_ref().to_owned(), args: Vec::new(), env: Vec::new(), dir: None }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.into(), Some(value.as_ref().to_owned())));
        self
    }

    pub(crate) fn envs(mut self, vars: Vec<(&'static str, OsString)>) -> Self {
        for (key, value) in vars {
            self = self.env(key, value);
        }
        self
    }

    pub(crate) fn without_env(mut self, key: &str) -> Self {
        self.env.push((key.into(), None));
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    /// Runs it with our own input and output.
    ///
    /// # Errors
    /// If it cannot be started or ends with a code other than 0.
    pub(crate) fn run(self) -> Result<()> {
        let line = self.line();
        println!("$ {line}");
        let started = Instant::now();
        let status =
            self.command().status().with_context(|| format!("could not start `{line}`"))?;
        self.judge(status, started)
    }

    /// Runs it with its output in `log`; the end of that is shown if it fails.
    ///
    /// # Errors
    /// As [`Run::run`]; also if it is not done within `limit`: then it is ended.
    pub(crate) fn run_quietly(self, log: &Path, limit: Duration) -> Result<()> {
        println!("$ {}", self.line());
        let started = Instant::now();
        let mut child = self.spawn_into(log)?;
        let Some(status) = self.wait(&mut child, limit)? else {
            bail!("`{}` gave no end within {}", self.line(), spoken(limit));
        };
        if !status.success() {
            print_tail(log)?;
        }
        self.judge(status, started)
    }

    /// What it prints, without the end of the last line. Nothing is shown.
    ///
    /// # Errors
    /// If it cannot be started, ends with a code other than 0, or prints no UTF-8.
    pub(crate) fn read(self) -> Result<String> {
        let line = self.line();
        let output = self
            .command()
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .output()
            .with_context(|| format!("could not start `{line}`"))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("`{line}` ended with {}: {}", output.status, stderr.trim());
        }
        let text = String::from_utf8(output.stdout)
            .with_context(|| format!("`{line}` printed bytes that are no text"))?;
        Ok(text.trim_end().to_owned())
    }

    /// Whether it can be started and ends with 0. Nothing is shown.
    pub(crate) fn succeeds(self) -> bool {
        self.read().is_ok()
    }

    /// As a person would type it, shortened to what tells it apart.
    pub(crate) fn line(&self) -> String {
        let mut words = vec![quoted(&self.program)];
        words.extend(self.args.iter().map(|arg| quoted(arg)));
        words.join(" ")
    }

    /// The program as the standard library runs it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for (key, value) in &self.env {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    fn spawn_into(&self, log: &Path) -> Result<Child> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("no folder {}", folder.display()))?;
        }
        let out =
            File::create(log).with_context(|| format!("could not write {}", log.display()))?;
        let err = out.try_clone().context("could not share the log file")?;
        self.command()
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .with_context(|| format!("could not start `{}`", self.line()))
    }

    /// `None` if it was ended because it took longer than `limit`.
    fn wait(&self, child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
        let started = Instant::now();
        let mut next_sign = HEARTBEAT;
        while started.elapsed() < limit {
            if let Some(status) = child.try_wait().context("could not watch a child")? {
                return Ok(Some(status));
            }
            if started.elapsed() >= next_sign {
                println!("  … {} ({})", self.line(), spoken(started.elapsed()));
                next_sign += HEARTBEAT;
            }
            // The standard library has no wait with a limit; a thread per child would be more.
            std::thread::sleep(POLL);
        }
        child.kill().context("could not end a child")?;
        child.wait().context("could not collect a child")?;
        Ok(None)
    }

    fn judge(&self, status: ExitStatus, started: Instant) -> Result<()> {
        if !status.success() {
            bail!("`{}` ended with {status}", self.line());
        }
        if started.elapsed() > WORTH_SAYING {
            println!("  done in {}", spoken(started.elapsed()));
        }
        Ok(())
    }
}

/// Where `name` lies on `PATH`, if anywhere.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A headline between steps.
pub(crate) fn step(text: &str) {
    println!("\n== {text}");
}

/// `75 s` → `1 min 15 s`.
pub(crate) fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    if text.is_empty() || text.contains([' ', '"', '\'', '$', '*']) {
        format!("'{text}'")
    } else {
        text.into_owned()
    }
}

fn print_tail(log: &Path) -> Result<()> {
    let bytes = fs::read(log).with_context(|| format!("could not read {}", log.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)) {
        println!("  | {line}");
    }
    println!("  (all of it: {})", log.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Run, spoken};

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let error = Run::new("sh").args(["-c", "exit 3"]).run();
        let text = error.expect_err("exit 3 is a failure").to_string();
        assert!(text.contains("sh -c 'exit 3'"), "{text}");
        assert!(text.contains('3'), "{text}");
    }

    #[test]
    fn a_missing_program_is_an_error() {
        assert!(Run::new("no-such-program-here").run().is_err());
        assert!(!Run::new("no-such-program-here").succeeds());
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let log = std::env::temp_dir().join(format!("x-hangs-{}.log", std::process::id()));
        let started = Instant::now();
        let run = Run::new("sleep").arg("60");
        let error = run.run_quietly(&log, Duration::from_millis(200));
        assert!(error.is_err());
        assert!(started.elapsed() < Duration::from_secs(30));
        std::fs::remove_file(&log).expect("the log was written");
    }

    #[test]
    fn read_gives_the_output() {
        let text = Run::new("printf").arg("one\\ntwo\\n").read();
        assert_eq!(text.expect("printf works"), "one\ntwo");
    }

    #[test]
    fn times_are_spoken_in_minutes() {
        assert_eq!(spoken(Duration::from_secs(9)), "9 s");
        assert_eq!(spoken(Duration::from_secs(75)), "1 min 15 s");
    }
}
