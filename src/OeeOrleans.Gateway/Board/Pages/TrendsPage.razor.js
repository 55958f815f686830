// Draws signals as small charts under one time axis, with what the machines did below them. Axes, zoom and canvas are ECharts'; a curve is
// drawn by as many points as there are pixels, so that moving about costs the same however many were read.
const ROW = 110, STRIP = 26, AXIS = 26, LEFT = 74, RIGHT = 10, NARROW = 500, SETTLED_MS = 250, LEAST_MS = 1000;
const STATES = { run: '--run', small_stop: '--small', stop: '--stop', planned_stop: '--plan' };

export async function create(element, page, picture, library, readout) {
  if (!globalThis.echarts) await load(library);
  const chart = new TrendChart(element, page, readout);
  chart.show(picture);
  element.oeeTrend = chart;
  return chart;
}

/** It is no module, and puts itself at the window. */
function load(library) {
  return new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = library;
    script.onload = done;
    script.onerror = () => failed(new Error(`${library} cannot be loaded`));
    document.head.append(script);
  });
}

class TrendChart {
  constructor(element, page, readout) {
    [this.element, this.page, this.readout] = [element, page, readout];
    this.chart = null;
    this.drag = null;
    this.held = false;
    this.asked = 0;
    this.ends = new AbortController();
    const listen = (target, name, what, more) => target.addEventListener(name, what, { signal: this.ends.signal, ...more });
    listen(window, 'resize', () => this.chart?.resize());
    listen(matchMedia('(prefers-color-scheme:dark)'), 'change', () => this.build());
    listen(element, 'keydown', e => this.key(e));
    // What belongs to the chart, wherever it stands on the page.
    listen(document, 'click', e => {
      const deed = e.target.closest?.('[data-trend]')?.dataset.trend;
      if (deed) this.act(deed);
    });
  }

  dispose() {
    this.ends.abort();
    clearTimeout(this.timer);
    this.chart?.dispose();
    this.chart = null;
  }

  /** A new picture: the one that is asked for, or the next one of a span that moves on. */
  show(picture) {
    this.picture = picture;
    this.curves = picture.curves.map(c => {
      const numbers = new Float64Array(c.data.slice().buffer), n = c.points;
      const [t, mean, min, max] = [0, 1, 2, 3].map(i => numbers.subarray(i * n, (i + 1) * n));
      return { ...c, t, mean, min, max };
    });
    [this.from, this.to, this.follows] = [picture.fromMs, picture.toMs, picture.follows];
    this.build();
  }

  /** A link was followed: where it leads is where one comes back to. */
  begin(picture) {
    clearTimeout(this.timer);
    this.asked++;
    this.home = undefined;
    this.show(picture);
  }

  /** The next picture of a span that moves on; not while somebody looks elsewhere. */
  update(picture) {
    if (this.follows && !this.held) this.show(picture);
  }

  build() {
    const css = getComputedStyle(document.documentElement), colour = name => css.getPropertyValue(name).trim();
    this.colour = colour;
    this.inks = ['--t1', '--t2', '--t3', '--t4'].map(colour);
    const { curves, picture } = this, rows = curves.length, strips = picture.strips.length;
    const height = rows * ROW + strips * STRIP + AXIS;
    this.element.style.height = `${height}px`;
    if (!this.chart) {
      this.chart = echarts.init(this.element, null, { renderer: 'canvas' });
      this.watch();
    } else this.chart.resize();
    const grid = [], xAxis = [], yAxis = [], series = [];
    const axis = (top, high, labels) => {
      const at = grid.length;
      grid.push({ left: LEFT, right: RIGHT, top, height: high, outerBoundsMode: 'none' });
      const shift = picture.offsetMs;
      xAxis.push({
        type: 'time', gridIndex: at, min: picture.firstMs + shift, max: picture.lastMs + shift, splitLine: { show: false },
        axisLine: { show: labels, lineStyle: { color: colour('--line') } }, axisTick: { show: labels },
        axisLabel: { show: labels, color: colour('--dim'), hideOverlap: true, formatter: t => this.clock(t - shift) },
        axisPointer: { show: true, snap: false, label: { show: false }, lineStyle: { color: colour('--dim'), type: 'solid' } },
      });
      return at;
    };
    curves.forEach((curve, i) => {
      const at = axis(i * ROW + 8, ROW - 24, false);
      yAxis.push({
        type: 'value', gridIndex: at, min: 0, max: 1, interval: 1, splitLine: { lineStyle: { color: colour('--line') } },
        axisLabel: { color: colour('--dim'), formatter: v => (curve.texts ? '' : this.short(this.range(curve)[v ? 1 : 0])) },
        axisPointer: { show: false },
      });
      series.push(this.custom(at, (params, api) => this.curve(curve, params, api, this.inks[i % this.inks.length])));
    });
    picture.strips.forEach((strip, i) => {
      const at = axis(rows * ROW + i * STRIP, STRIP - 4, i === strips - 1);
      yAxis.push({ type: 'value', gridIndex: at, min: 0, max: 1, show: false, axisPointer: { show: false } });
      series.push(this.custom(at, (params, api) => this.strip(strip, params, api)));
    });
    this.chart.setOption({
      animation: false, useUTC: true, textStyle: { fontFamily: 'Inter, system-ui, "DejaVu Sans", sans-serif' },
      grid, xAxis, yAxis, series, axisPointer: { link: [{ xAxisIndex: 'all' }] },
      dataZoom: [{
        type: 'inside', xAxisIndex: xAxis.map((_, i) => i), filterMode: 'none', startValue: this.from + picture.offsetMs,
        endValue: this.to + picture.offsetMs, minValueSpan: LEAST_MS, zoomOnMouseWheel: 'ctrl',
        moveOnMouseMove: this.isTouch() ? true : 'shift', moveOnMouseWheel: false,
        preventDefaultMouseMove: false,
      }],
    }, { notMerge: true });
    this.element.dataset.ready = `${curves.reduce((sum, c) => sum + c.points, 0)}`;
  }

  /** One thing that draws a whole curve or strip by itself. */
  custom(at, renderItem) {
    const middle = (this.picture.firstMs + this.picture.lastMs) / 2 + this.picture.offsetMs;
    return { type: 'custom', xAxisIndex: at, yAxisIndex: at, clip: true, silent: true, data: [[middle, 0.5]], renderItem };
  }

  /** From time to pixels and back, of one grid. */
  scale(params, api) {
    const { picture } = this, box = params.coordSys, x0 = api.coord([picture.firstMs + picture.offsetMs, 0])[0];
    const per = (api.coord([picture.lastMs + picture.offsetMs, 0])[0] - x0) / (picture.lastMs - picture.firstMs);
    return { box, per, x: t => x0 + (t - picture.firstMs) * per, t: x => picture.firstMs + (x - x0) / per };
  }

  curve(curve, params, api, ink) {
    const { box, x, t } = this.scale(params, api), children = this.faults(curve, box, x);
    // On a phone the names stand above all curves: each says its own.
    if (box.width < NARROW) children.push(this.title(curve, box));
    if (curve.texts) return { type: 'group', children: children.concat(this.words(curve, box, x, t)) };
    const [low, high] = this.range(curve), y = v => box.y + box.height - (v - low) / (high - low) * box.height;
    const first = Math.max(0, lowerBound(curve.t, t(box.x)) - 1), last = Math.min(curve.points, lowerBound(curve.t, t(box.x + box.width)) + 1);
    let up = [], down = [], line = [], column = NaN, min = 0, max = 0, sum = 0, n = 0, held = NaN;
    const add = (x, mean, min, max) => {
      line.push([x, y(mean)]);
      up.push([x, y(max)]);
      down.push([x, y(min)]);
    };
    const columnDone = () => {
      if (n > 0) add(column, sum / n, min, max);
      n = 0;
    };
    // A sample holds until the next one; the mean of a bucket leads to the next.
    const hold = until => {
      if (curve.raw && line.length > 0) add(until, held, held, held);
    };
    const pieceDone = () => {
      if (line.length === 1) line.push([line[0][0] + 1.5, line[0][1]]);
      if (line.length > 0) {
        const area = up.concat(down.reverse());
        children.push({ type: 'polygon', shape: { points: area }, style: { fill: ink, opacity: 0.2 }, silent: true });
        children.push({ type: 'polyline', shape: { points: line }, style: { stroke: ink, lineWidth: 1.6, fill: null }, silent: true });
      }
      [up, down, line, column, n] = [[], [], [], NaN, 0];
    };
    for (let i = first; i < last; i++) {
      const mean = curve.mean[i], at = Math.round(x(curve.t[i]));
      if (at !== column) {
        columnDone();
        hold(at);
      }
      if (Number.isNaN(mean)) {
        // Bad, or no number: nothing holds from here on.
        columnDone();
        pieceDone();
        continue;
      }
      if (n === 0) [column, min, max, sum] = [at, curve.min[i], curve.max[i], 0];
      min = Math.min(min, curve.min[i]);
      max = Math.max(max, curve.max[i]);
      [sum, n, held] = [sum + mean, n + 1, mean];
    }
    columnDone();
    if (last === curve.points) hold(Math.round(x(this.picture.lastMs)));
    pieceDone();
    return { type: 'group', children };
  }

  /** A signal of words: a box from each word to the next. */
  words(curve, box, x, t) {
    const children = [], end = x(this.picture.lastMs), right = box.x + box.width;
    for (let i = Math.max(0, lowerBound(curve.t, t(box.x)) - 1); i < curve.points && x(curve.t[i]) < right; i++) {
      const from = Math.max(box.x, x(curve.t[i])), to = Math.min(right, i + 1 < curve.points ? x(curve.t[i + 1]) : end);
      if (to <= from || curve.texts[i] === null) continue;
      children.push({
        type: 'rect', shape: { x: from, y: box.y + box.height / 2 - 12, width: to - from, height: 24 }, silent: true,
        style: { fill: 'none', stroke: this.colour('--dim'), lineWidth: 1 },
      });
      if (to - from < 30) continue;
      children.push({
        type: 'text', silent: true, x: from + 6, y: box.y + box.height / 2,
        style: { text: curve.texts[i], fill: this.colour('--ink'), verticalAlign: 'middle', width: to - from - 10, overflow: 'truncate' },
      });
    }
    return children;
  }

  title(curve, box) {
    return {
      type: 'text', silent: true, x: box.x + 4, y: box.y + 2,
      style: { text: curve.title, fill: this.colour('--dim'), width: box.width - 8, overflow: 'truncate' },
    };
  }

  faults(curve, box, x) {
    const strip = this.picture.strips[curve.strip], right = box.x + box.width;
    return strip.faultFromMs.flatMap((from, i) => {
      const left = Math.max(box.x, x(from)), width = Math.min(right, x(strip.faultToMs[i])) - left;
      return width <= 0 ? [] : [{
        type: 'rect', shape: { x: left, y: box.y, width: Math.max(1, width), height: box.height }, silent: true,
        style: { fill: this.colour('--stop'), opacity: 0.12 },
      }];
    });
  }

  strip(strip, params, api) {
    const { box, x, t } = this.scale(params, api), children = [], right = box.x + box.width;
    for (let i = Math.max(0, lowerBound(strip.fromMs, t(box.x)) - 1); i < strip.states.length && x(strip.fromMs[i]) < right; i++) {
      const left = Math.max(box.x, x(strip.fromMs[i])), width = Math.min(right, x(strip.toMs[i])) - left;
      if (width <= 0 || strip.states[i] === 'not_scheduled') continue;
      const fill = strip.states[i] in STATES ? this.colour(STATES[strip.states[i]]) : this.hatch();
      children.push({ type: 'rect', shape: { x: left, y: box.y, width: Math.max(0.5, width), height: box.height }, style: { fill }, silent: true });
    }
    return { type: 'group', children };
  }

  /** No data is hatched, never a colour. */
  hatch() {
    const ink = this.colour('--unk');
    if (this.hatched?.ink === ink) return this.hatched.pattern;
    const image = document.createElement('canvas'), side = 8;
    image.width = image.height = side;
    const pen = image.getContext('2d');
    [pen.strokeStyle, pen.lineWidth] = [ink, 2.5];
    for (const shift of [-side, 0, side]) {
      pen.beginPath();
      pen.moveTo(shift - 1, side + 1);
      pen.lineTo(shift + side + 1, -1);
      pen.stroke();
    }
    this.hatched = { ink, pattern: { image, repeat: 'repeat' } };
    return this.hatched.pattern;
  }

  /** Least and greatest of what is looked at, with a little room. */
  range(curve) {
    const of = `${this.from} ${this.to}`;
    if (curve.rangeOf === of) return curve.rangeIs;
    let low = Infinity, high = -Infinity;
    const first = Math.max(0, lowerBound(curve.t, this.from) - 1), last = Math.min(curve.points, lowerBound(curve.t, this.to) + 1);
    for (let i = first; i < last; i++) {
      if (curve.min[i] < low) low = curve.min[i];
      if (curve.max[i] > high) high = curve.max[i];
    }
    if (low > high) [low, high] = [0, 1];
    const room = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.05 || 1;
    [curve.rangeOf, curve.rangeIs] = [of, [low - room, high + room]];
    return curve.rangeIs;
  }

  watch() {
    const zr = this.chart.getZr(), shift = () => this.picture.offsetMs;
    const time = x => this.chart.convertFromPixel({ xAxisIndex: 0 }, x) - shift();
    this.chart.on('datazoom', () => {
      const zoom = this.chart.getOption().dataZoom[0];
      [this.from, this.to] = [zoom.startValue - shift(), zoom.endValue - shift()];
      this.settle();
    });
    zr.on('mousemove', e => {
      this.read(time(e.offsetX));
      if (!this.drag) return;
      const width = e.offsetX - this.drag.x;
      this.drag.box ??= this.mark(zr);
      this.drag.box.setShape({ x: Math.min(this.drag.x, e.offsetX), width: Math.abs(width) });
    });
    zr.on('mousedown', e => {
      this.held = true;
      if (!e.event.shiftKey && e.event.button === 0 && !this.isTouch() && e.offsetX >= LEFT) this.drag = { x: e.offsetX };
    });
    const release = e => {
      this.held = false;
      const drag = this.drag;
      this.drag = null;
      if (!drag?.box) return;
      zr.remove(drag.box);
      const [a, b] = [time(drag.x), time(e.offsetX)].sort((p, q) => p - q);
      if (Math.abs(e.offsetX - drag.x) > 4) this.look(a, b);
    };
    zr.on('mouseup', release);
    zr.on('globalout', release);
  }

  mark(zr) {
    const box = new echarts.graphic.Rect({
      z: 100, silent: true, shape: { y: 0, height: this.curves.length * ROW, x: 0, width: 0 },
      style: { fill: this.colour('--accent'), opacity: 0.18 },
    });
    zr.add(box);
    return box;
  }

  key(e) {
    const deed = { ArrowLeft: 'earlier', ArrowRight: 'later', '+': 'in', '=': 'in', '-': 'out', 0: 'reset' }[e.key];
    if (!deed || e.ctrlKey || e.altKey || e.metaKey) return;
    e.preventDefault();
    this.act(deed);
  }

  act(deed) {
    const length = this.to - this.from;
    switch (deed) {
      case 'earlier': return this.look(this.from - length / 4, this.to - length / 4);
      case 'later': return this.look(this.from + length / 4, this.to + length / 4);
      case 'in': return this.look(this.from + length / 4, this.to - length / 4);
      case 'out': return this.look(this.from - length / 2, this.to + length / 2);
      case 'reset': return this.home ? this.look(this.home[0], this.home[1], this.home[2]) : undefined;
      case 'link': return this.copy();
      case 'picture': return this.save();
    }
  }

  /** Looks at another span: at once as far as it was read, and then at what is asked for. */
  look(from, to, follows = false) {
    const middle = (from + to) / 2, half = Math.max(LEAST_MS, to - from) / 2;
    [from, to] = [middle - half, middle + half];
    // Nothing is known of what is to come.
    const late = Math.max(0, to - Date.now());
    [from, to] = [from - late, to - late];
    const { picture } = this;
    this.home ??= [picture.fromMs, picture.toMs, picture.follows];
    [this.from, this.to] = [from, to];
    if (from >= picture.firstMs && to <= picture.lastMs) {
      this.chart.dispatchAction({ type: 'dataZoom', startValue: from + picture.offsetMs, endValue: to + picture.offsetMs });
    }
    this.settle(follows);
  }

  settle(follows = false) {
    this.home ??= [this.picture.fromMs, this.picture.toMs, this.picture.follows];
    this.follows = follows;
    clearTimeout(this.timer);
    // A new picture would take the chart out of the hand that moves it.
    const settled = () => {
      if (this.held) this.timer = setTimeout(settled, SETTLED_MS);
      else this.ask(follows);
    };
    this.timer = setTimeout(settled, SETTLED_MS);
  }

  async ask(follows) {
    const mine = ++this.asked;
    let picture = null;
    try {
      picture = await this.page.invokeMethodAsync('LookAsync', this.from, this.to, follows);
    } catch (error) {
      console.warn(error);
    }
    if (mine !== this.asked || !this.chart) return;
    if (!picture) {
      this.say('This could not be read; what is shown is of before.');
      return;
    }
    this.show(picture);
    if (!follows) history.replaceState(history.state, '', this.address());
  }

  /** Of what is looked at now: it shows the same tomorrow. */
  address() {
    const url = new URL(location.href);
    url.searchParams.delete('span');
    url.searchParams.delete('s');
    this.curves.forEach(curve => url.searchParams.append('s', curve.key));
    url.searchParams.set('from', new Date(this.from).toISOString());
    url.searchParams.set('to', new Date(this.to).toISOString());
    return url.href;
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.address());
      this.say('The link is copied.');
    } catch {
      // Without TLS a browser gives no clipboard: then it is in the address bar.
      history.replaceState(history.state, '', this.address());
      this.say('The address of this page is the link now.');
    }
  }

  save() {
    const link = document.createElement('a');
    link.href = this.chart.getDataURL({ type: 'png', pixelRatio: 2, backgroundColor: this.colour('--card') });
    link.download = `trend-${new Date(this.from).toISOString().slice(0, 19).replaceAll(':', '')}.png`;
    link.click();
  }

  /** What all signals say at one moment. */
  read(time) {
    if (time < this.from || time > this.to) return;
    const values = this.curves.map(curve => {
      const i = lowerBound(curve.t, time + 0.001) - 1;
      if (i < 0) return '–';
      if (curve.texts) return curve.texts[i] ?? '–';
      return Number.isNaN(curve.mean[i]) ? '–' : `${this.short(curve.mean[i])} ${curve.unit}`.trim();
    });
    this.say(`at ${this.clock(time, true)}: ${values.join(', ')}`);
  }

  say(text) {
    this.readout.textContent = text;
  }

  clock(time, seconds = false) {
    const length = this.to - this.from, day = 86_400_000;
    const parts = { timeZone: this.picture.zone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' };
    if (seconds || length < 600_000) parts.second = '2-digit';
    const text = new Intl.DateTimeFormat('en-GB', parts).format(time);
    if (length < day && !seconds) return text;
    const date = new Intl.DateTimeFormat('sv-SE', { timeZone: this.picture.zone, month: '2-digit', day: '2-digit' }).format(time);
    return seconds || text !== '00:00' ? `${date} ${text}` : date;
  }

  short(value) {
    if (value !== 0 && (Math.abs(value) >= 1e9 || Math.abs(value) < 1e-3)) return value.toExponential(2);
    const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.max(1e-3, Math.abs(value)))));
    return value.toLocaleString('en-US', { maximumFractionDigits: digits }).replaceAll(',', '\u202f');
  }

  isTouch() {
    return matchMedia('(pointer:coarse)').matches;
  }
}

/** Place of the first that is not less. */
function lowerBound(numbers, value) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
