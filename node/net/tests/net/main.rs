//! Nodes on loopback sockets, in one process: the wall, requests, and small clusters that restart.

mod cluster;
mod nodes;
mod raw;
mod requests;
mod wall;
