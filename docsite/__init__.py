"""The site of the documents: the pages of the reference that the code writes, and what MkDocs needs."""
