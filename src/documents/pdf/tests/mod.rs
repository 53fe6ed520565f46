//! What a document must look like.
