"""Jobs: thin tasks on Procrastinate, one file per noun; `worker.run` works through them."""
