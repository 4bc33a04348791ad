//! Turns an annotated impl block into a context application.
