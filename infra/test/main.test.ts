// One process for all of them: loading the CDK takes longer than most tests.
import "./cost.ts";
import "./promises.ts";
import "./settings.ts";
import "./shape.ts";
