# One rule per suite, because suites have different files.
for suite in FILES.suites():
    answer = rule_of("answer", suite=suite)
    score_run = rule_of("score-run", suite=suite)
    answer_blind = rule_of("answer-blind", suite=suite)
    fit_blind = rule_of("fit-blind", suite=suite)

    rule:
        """Answers a suite of tasks with one run's MLLM."""
        name:
            answer.name
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            answer.inputs,
        output:
            answer.outputs,
        log:
            answer.log,
        group:
            "run"
        threads: 1
        resources:
            **answer.resources,
        params:
            suite=suite,
            options=options_of_study,
            spec=answer.spec,
            source=answer.source,
        shell:
            "{resources.launch} vistok answer {wildcards.run} --suite {params.suite} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"

    rule:
        """Scores what one run answered to a suite."""
        name:
            score_run.name
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            score_run.inputs,
        output:
            score_run.outputs,
        log:
            score_run.log,
        group:
            "run"
        threads: 1
        resources:
            **score_run.resources,
        params:
            suite=suite,
            options=options_of_study,
            spec=score_run.spec,
            source=score_run.source,
        shell:
            "vistok score-run {wildcards.run} --suite {params.suite} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"

    rule:
        """Answers a suite of tasks with a language model alone, without the images."""
        name:
            answer_blind.name
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            answer_blind.inputs,
        output:
            answer_blind.outputs,
        log:
            answer_blind.log,
        threads: 1
        resources:
            **answer_blind.resources,
        params:
            suite=suite,
            options=options_of_study,
            spec=answer_blind.spec,
            source=answer_blind.source,
        shell:
            "vistok answer-blind {wildcards.llm} --suite {params.suite} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"

    rule:
        """Scores the blind baselines of a suite."""
        name:
            fit_blind.name
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            fit_blind.inputs,
        output:
            fit_blind.outputs,
        log:
            fit_blind.log,
        threads: 1
        resources:
            **fit_blind.resources,
        params:
            options=options_of_study,
            spec=fit_blind.spec,
            source=fit_blind.source,
            suite=suite,
        shell:
            "vistok fit-blind {params.suite} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
