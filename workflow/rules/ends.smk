# What is said, and done, when Snakemake begins and ends.


onstart:
    if is_main:
        history.state(dag.plan, dag.store)
        print(
            messages.start(
                dag, executor(), [os.path.join(place, each) for each in log]
            ),
            file=sys.stderr,
        )


onsuccess:
    if is_main:
        print(*messages.end(dag, place), sep="\n", file=sys.stderr)
        # Whatever Snakemake made of it: a call that ends with 0 has made, or found, everything.
        if wants_all() and not dag.is_done:
            sys.exit(1)


onerror:
    # What there is, is shown; the exit status stays 1.
    if is_main:
        if messages.is_something_to_draw(dag):
            print(
                "Drawing the report from the records that are there.",
                file=sys.stderr,
            )
            shell(
                "evenhand draw {plan:q} > /dev/null || true",
                plan=dag.file("plan.json"),
            )
        # The last words, after Snakemake's own.
        last = messages.end(dag, place, ended.by_request)
        atexit.register(print, *last, sep="\n", file=sys.stderr)
