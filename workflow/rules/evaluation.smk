# One rule per suite: no two suites have the same files.
for suite in STUDY.suites_shown():

    rule:
        """Answers a suite of tasks with one run's MLLM."""
        name:
            rule_of("answer", suite)
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            f"checkpoints/{SCALE}/mllms/{{run}}",
            lambda wildcards: FILES.parts(wildcards.run),
        output:
            FILES.of_run(suite, "predictions.jsonl"),
        log:
            f"logs/{RESULTS}/answer/{suite}/{{run}}.log",
        benchmark:
            f"benchmarks/{RESULTS}/answer/{suite}/{{run}}.tsv"
        threads: 1
        resources:
            **size_of(STUDY, "answer"),
        params:
            suite=suite,
            options=options_of_study,
            spec=specs.spec_digest(specs.answer_spec(STUDY, suite)),
            source=lambda wildcards: run_code("answer", MODELS, FILES.run(wildcards.run).tokenizer),
        shell:
            "vistok answer {wildcards.run} --suite {params.suite} {params.options} 2>&1 | tee -i {log}"

    rule:
        """Scores what one run answered to a suite."""
        name:
            rule_of("score_run", suite)
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            FILES.of_run(suite, "predictions.jsonl"),
        output:
            FILES.of_run(suite, "metrics.json"),
        log:
            f"logs/{RESULTS}/score_run/{suite}/{{run}}.log",
        benchmark:
            f"benchmarks/{RESULTS}/score_run/{suite}/{{run}}.tsv"
        threads: 1
        resources:
            **size_of(STUDY, "score-run"),
        params:
            suite=suite,
            options=options_of_study,
            spec=specs.spec_digest(specs.score_spec(STUDY, suite)),
            source=code("score_run"),
        shell:
            "vistok score-run {wildcards.run} --suite {params.suite} {params.options} 2>&1 | tee -i {log}"

    rule:
        """Answers a suite of tasks with a language model alone, without the images."""
        name:
            rule_of("answer_blind", suite)
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            lambda wildcards: FILES.own_llm(wildcards.llm),
        output:
            FILES.blind_predictions(suite, "{llm}"),
        log:
            f"logs/{RESULTS}/answer_blind/{suite}/{{llm}}.log",
        benchmark:
            f"benchmarks/{RESULTS}/answer_blind/{suite}/{{llm}}.tsv"
        threads: 1
        resources:
            **size_of(STUDY, "answer"),
        params:
            suite=suite,
            options=options_of_study,
            spec=lambda wildcards, suite=suite: specs.spec_digest(
                specs.answer_blind_spec(STUDY, wildcards.llm, suite)
            ),
            source=code("answer_blind"),
        shell:
            "vistok answer-blind {wildcards.llm} --suite {params.suite} {params.options} 2>&1 | tee -i {log}"

    rule:
        """Scores the blind baselines of a suite."""
        name:
            rule_of("fit_blind", suite)
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            [FILES.blind_predictions(suite, llm) for llm in STUDY.llms_of(suite)],
        output:
            FILES.blind(suite),
        log:
            f"logs/{RESULTS}/fit_blind/{suite}.log",
        benchmark:
            f"benchmarks/{RESULTS}/fit_blind/{suite}.tsv"
        threads: 1
        resources:
            **size_of(STUDY, "fit-blind"),
        params:
            options=options_of_study,
            spec=specs.spec_digest(specs.score_spec(STUDY, suite)),
            source=code("fit_blind"),
            suite=suite,
        shell:
            "vistok fit-blind {params.suite} {params.options} 2>&1 | tee -i {log}"
