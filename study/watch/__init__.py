"""How far a study is while it runs, told from the files of its store."""
