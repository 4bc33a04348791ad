//! A shared task board: the application of the first story.
