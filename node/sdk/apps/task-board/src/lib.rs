//! A shared task board: the application of the first story.
//!
//! Each task is a record of collections, so that members who change it apart from each other, one
//! renaming, one assigning, one commenting, all keep their change when they meet. Only two writes
//! to the same field compete; the later one stays.

use std::fmt;

use sdk::{
    Counter, Map, MemberId, Nested, Private, Register, app, emit,
    env::{self, Caller},
    record,
};
use serde::{Deserialize, Serialize};

/// Characters in a board's name or a task's title: one line on a screen.
const TITLE_MAX: usize = 200;
/// Characters in a comment or a draft: a page.
const TEXT_MAX: usize = 4_000;
/// Tasks told at once where the caller does not say, and at most.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;

/// A board and its tasks.
#[app]
#[derive(Debug)]
pub struct TaskBoard {
    name: Register<String>,
    tasks: Nested<String, Task>,
    /// How often members completed a task. Never goes down: the board's tally, not its state.
    completions: Counter,
    /// What this node's user has begun to write, for nobody else to see.
    draft: Private<Register<String>>,
}

/// One task. Whether it is done follows from `completed` alone.
#[record]
#[derive(Debug)]
pub struct Task {
    title: Register<String>,
    created: Register<Stamp>,
    assignee: Register<Option<MemberId>>,
    completed: Register<Option<Stamp>>,
    comments: Map<String, Comment>,
}

/// Who did something, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stamp {
    by: MemberId,
    at_millis: u64,
}

/// Something said about a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comment {
    by: MemberId,
    at_millis: u64,
    text: String,
}

/// A task as it is told to callers.
#[derive(Clone, Debug, Serialize)]
pub struct TaskView {
    id: String,
    title: String,
    done: bool,
    assignee: Option<MemberId>,
    created: Option<Stamp>,
    completed: Option<Stamp>,
    comments: Vec<Comment>,
}

/// The board at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    name: String,
    tasks: u64,
    completions: i64,
}

/// Why the board refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoardError {
    /// There is no such task, or it was removed.
    NoTask(String),
    /// The task is done already.
    AlreadyDone(String),
    /// The task is not done.
    NotDone(String),
    /// A text is empty or too long.
    BadText {
        /// Which text.
        what: &'static str,
        /// The bound, in characters.
        max: usize,
    },
}

#[app]
impl TaskBoard {
    /// Names the board.
    #[init]
    pub fn init(&mut self, name: Option<String>) -> Result<(), BoardError> {
        let name = name.unwrap_or_else(|| "Tasks".to_owned());
        self.name.set(&checked("name", name, TITLE_MAX)?);
        Ok(())
    }

    /// Adds a task; answers with its id. Ids sort by the time of creation.
    #[mutate]
    pub fn add(&mut self, title: String, assignee: Option<MemberId>) -> Result<String, BoardError> {
        let title = checked("title", title, TITLE_MAX)?;
        let stamp = Stamp::of_this_call();
        let id = format!("{:012x}-{}", stamp.at_millis, env::fresh_id());
        let mut task = self.tasks.insert(&id);
        task.title.set(&title);
        task.created.set(&stamp);
        if assignee.is_some() {
            task.assignee.set(&assignee);
        }
        emit!("task-added", id = id, title = title, by = stamp.by);
        Ok(id)
    }

    /// Gives a task to `member`, or to nobody.
    #[mutate]
    pub fn assign(&mut self, id: String, member: Option<MemberId>) -> Result<(), BoardError> {
        self.change(&id)?.assignee.set(&member);
        emit!("task-assigned", id = id, member = member, by = env::caller().member);
        Ok(())
    }

    /// Gives a task another title.
    #[mutate]
    pub fn rename(&mut self, id: String, title: String) -> Result<(), BoardError> {
        let title = checked("title", title, TITLE_MAX)?;
        self.change(&id)?.title.set(&title);
        emit!("task-renamed", id = id, title = title, by = env::caller().member);
        Ok(())
    }

    /// Says something about a task.
    #[mutate]
    pub fn comment(&mut self, id: String, text: String) -> Result<(), BoardError> {
        let text = checked("comment", text, TEXT_MAX)?;
        let Stamp { by, at_millis } = Stamp::of_this_call();
        let key = format!("{at_millis:012x}-{}", env::fresh_id());
        self.change(&id)?.comments.put(&key, &Comment { by, at_millis, text });
        emit!("task-commented", id = id, by = by);
        Ok(())
    }

    /// Marks a task as done.
    #[mutate]
    pub fn complete(&mut self, id: String) -> Result<(), BoardError> {
        let stamp = Stamp::of_this_call();
        let mut task = self.change(&id)?;
        if task.completed.get().flatten().is_some() {
            return Err(BoardError::AlreadyDone(id));
        }
        task.completed.set(&Some(stamp.clone()));
        self.completions.add(1);
        emit!("task-completed", id = id, by = stamp.by);
        Ok(())
    }

    /// Takes back that a task is done.
    #[mutate]
    pub fn reopen(&mut self, id: String) -> Result<(), BoardError> {
        let mut task = self.change(&id)?;
        if task.completed.get().flatten().is_none() {
            return Err(BoardError::NotDone(id));
        }
        task.completed.set(&None);
        emit!("task-reopened", id = id, by = env::caller().member);
        Ok(())
    }

    /// Removes a task. What others change in it meanwhile does not bring it back.
    #[mutate]
    pub fn remove(&mut self, id: String) -> Result<(), BoardError> {
        self.change(&id)?;
        self.tasks.remove(&id);
        emit!("task-removed", id = id, by = env::caller().member);
        Ok(())
    }

    /// Tasks in the order of their ids that follow `after`: at most `limit`.
    #[view]
    pub fn list(&self, after: Option<String>, limit: Option<u32>) -> Vec<TaskView> {
        let limit = limit.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX) as usize;
        let after = after.unwrap_or_default();
        self.tasks.iter_after(&after).take(limit).map(|(id, task)| task.view(id)).collect()
    }

    /// One task.
    #[view]
    pub fn get(&self, id: String) -> Result<TaskView, BoardError> {
        match self.tasks.get(&id) {
            Some(task) => Ok(task.view(id)),
            None => Err(BoardError::NoTask(id)),
        }
    }

    /// The board at a glance.
    #[view]
    pub fn summary(&self) -> Summary {
        Summary {
            name: self.name.get().unwrap_or_default(),
            tasks: self.tasks.len(),
            completions: self.completions.value(),
        }
    }

    /// Who the caller is to this context.
    #[view]
    pub fn whoami(&self) -> Caller {
        env::caller()
    }

    /// Keeps a note on this node alone.
    #[mutate]
    pub fn save_draft(&mut self, text: String) -> Result<(), BoardError> {
        self.draft.set(&checked("draft", text, TEXT_MAX)?);
        Ok(())
    }

    /// This node's note.
    #[view]
    pub fn draft(&self) -> Option<String> {
        self.draft.get()
    }

    fn change(&mut self, id: &str) -> Result<sdk::EntryMut<'_, Task>, BoardError> {
        self.tasks.get_mut(id).ok_or_else(|| BoardError::NoTask(id.to_owned()))
    }
}

impl Task {
    fn view(&self, id: String) -> TaskView {
        let completed = self.completed.get().flatten();
        TaskView {
            id,
            title: self.title.get().unwrap_or_default(),
            done: completed.is_some(),
            assignee: self.assignee.get().flatten(),
            created: self.created.get(),
            completed,
            comments: self.comments.values().collect(),
        }
    }
}

impl Stamp {
    fn of_this_call() -> Self {
        Self { by: env::caller().member, at_millis: env::now_millis() }
    }
}

impl fmt::Display for BoardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask(id) => write!(f, "no task {id}"),
            Self::AlreadyDone(id) => write!(f, "task {id} is done already"),
            Self::NotDone(id) => write!(f, "task {id} is not done"),
            Self::BadText { what, max } => write!(f, "a {what} has 1 to {max} characters"),
        }
    }
}

/// `text` without the space around it, if it says something and not too much.
fn checked(what: &'static str, text: String, max: usize) -> Result<String, BoardError> {
    let text = text.trim();
    match text.chars().count() {
        count if (1..=max).contains(&count) => Ok(text.to_owned()),
        _ => Err(BoardError::BadText { what, max }),
    }
}
