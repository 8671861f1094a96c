"""Long documents: pages are read in any order by one or several processes, kept on disk, and put together again."""
