// The script of a blind listening test: players, answers, and their download as a CSV file.
(() => {
  const { page, make, showState, playButton, slider, keys, sourceOf } = shared;
  const CHOICES = [["A", "A"], ["same", "no difference"], ["B", "B"]];
  const NAMES = { A: "A", B: "B", style: "The style asked for" };
  const answers = new Map(page.trials.map(({ name }) => [name, {}]));
  const list = document.getElementById("trials-list"), progress = document.getElementById("progress");
  const sound = new Audio();
  let playing = null;

  function soundView(trial, side, script) {
    const row = make("div", "sound");
    const { button, icon } = playButton();
    const bar = make("div", "bar-slider"), done = make("div", "done");
    const named = `${NAMES[side]}, ${trial.title}`;
    bar.append(done);
    row.append(button, make("b", "", NAMES[side]), bar);
    slider(bar, `Place in ${named}, in percent`, 100);
    const view = {
      at: 0,
      length: 0,
      show(running) {
        showState(icon, running, named);
        const percent = view.length ? (100 * view.at) / view.length : 0;
        done.style.width = `${percent}%`;
        bar.setAttribute("aria-valuenow", percent.toFixed(0));
      },
      seek(time) {
        view.at = Math.min(view.length, Math.max(0, time));
        if (playing === view) sound.currentTime = view.at;
        view.show(playing === view && !sound.paused);
      },
      toggle() {
        if (playing === view && !sound.paused) return sound.pause();
        if (playing !== view) {
          const last = playing;
          sound.pause();
          playing = view;
          if (last) last.show(false);
          sound.src = sourceOf(script, "audio/mpeg");
          sound.currentTime = view.at;
        }
        sound.play().catch((error) => { if (error.name !== "AbortError") progress.textContent = error.message; });
      },
    };
    button.addEventListener("click", view.toggle);
    bar.addEventListener("click", (event) => {
      const bounds = bar.getBoundingClientRect();
      view.seek((view.length * (event.clientX - bounds.left)) / bounds.width);
    });
    keys(bar, { seek: view.seek, at: () => view.at, duration: Infinity, toggle: view.toggle });
    view.show(false);
    return row;
  }

  function follow() {
    if (!playing) return;
    playing.at = sound.currentTime;
    playing.length = Number.isFinite(sound.duration) ? sound.duration : 0;
    playing.show(!sound.paused);
    if (!sound.paused) requestAnimationFrame(follow);
  }

  for (const event of ["play", "pause", "seeked", "loadedmetadata"]) sound.addEventListener(event, follow);
  sound.addEventListener("ended", () => { playing.at = 0; playing.show(false); });

  function questionView(trial, question, text) {
    const field = make("fieldset");
    field.append(make("legend", "", text));
    for (const [value, name] of CHOICES) {
      const label = make("label"), radio = make("input");
      radio.type = "radio";
      radio.name = `${trial.name}-${question}`;
      radio.value = value;
      radio.addEventListener("change", () => {
        answers.get(trial.name)[question] = value;
        tell();
      });
      label.append(radio, name);
      field.append(label);
    }
    return field;
  }

  const askedOf = (trial) => Object.entries(page.questions).filter(([name]) => name !== "style" || trial.sounds.style);

  function tell() {
    const whole = page.trials.filter((trial) => askedOf(trial).every(([name]) => answers.get(trial.name)[name])).length;
    progress.textContent = `${whole} of ${page.trials.length} songs answered.`;
  }

  page.trials.forEach((trial, index) => {
    const element = make("article", "trial");
    element.append(make("h3", "", `${index + 1}. ${trial.title}`));
    for (const [side, script] of Object.entries(trial.sounds)) element.append(soundView(trial, side, script));
    for (const [name, text] of askedOf(trial)) element.append(questionView(trial, name, text));
    list.append(element);
  });

  document.getElementById("finish").addEventListener("submit", (event) => {
    event.preventDefault();
    const listener = document.getElementById("listener").value.replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "listener";
    const rows = page.trials.map(({ name }) => {
      const given = answers.get(name);
      return [page.page, listener, name, ...Object.keys(page.questions).map((question) => given[question] ?? "")].join(",");
    });
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([[page.columns.join(","), ...rows, ""].join("\n")], { type: "text/csv" }));
    link.download = `listening-${page.page}-${listener.replace(/ +/g, "-")}.csv`;
    link.click();
  });
  tell();
})();
