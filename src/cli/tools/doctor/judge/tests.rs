//! Each judgement, on facts that no socket has seen.
