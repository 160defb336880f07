// Evaluates JSONata: one JSON object with an expression on each line in, one with its value, or its error, on each line out.
const jsonata = require("jsonata");
const lines = require("readline").createInterface({ input: process.stdin });

const evaluated = async (line) => {
  try {
    const value = await jsonata(JSON.parse(line).expression).evaluate({});
    return value === undefined ? {} : { value };
  } catch (error) {
    return { error: error.code ?? "JSONata", details: error.message };
  }
};

(async () => {
  for await (const line of lines) console.log(JSON.stringify(await evaluated(line)));
})();
