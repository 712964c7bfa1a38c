// @ts-check

/** @typedef {import('./line.mjs').Line} Line */

/**
 * The cost C(w, b) = mean((w x + b - y)^2) / 2 over all points, in closed form and double precision. It is quadratic:
 * C(w, b) = minimum + d' H d / 2 with d = (w, b) - optimum and H = [[mean(x^2), mean(x)], [mean(x), 1]].
 */
export class CostSurface {
  /**
   * @param {ArrayLike<number>} x
   * @param {ArrayLike<number>} y
   */
  constructor(x, y) {
    const mean = (/** @type {(i: number) => number} */ term) => {
      let sum = 0;
      for (let i = 0; i < x.length; i++) sum += term(i);
      return sum / x.length;
    };
    const at = (/** @type {ArrayLike<number>} */ values, /** @type {number} */ i) => values[i] ?? Number.NaN;
    this.xx = mean((i) => at(x, i) ** 2);
    this.x = mean((i) => at(x, i));
    this.y = mean((i) => at(y, i));
    this.xy = mean((i) => at(x, i) * at(y, i));
    this.yy = mean((i) => at(y, i) ** 2);
    const w = (this.xy - this.x * this.y) / (this.xx - this.x ** 2);
    /** The least-squares line; not finite where all points have one x. @type {Line} */
    this.optimum = { w, b: this.y - w * this.x };
    this.minimum = mean((i) => (w * at(x, i) + this.optimum.b - at(y, i)) ** 2) / 2;
  }

  /** @param {Line} line */
  cost({ w, b }) {
    return (w * w * this.xx + 2 * w * b * this.x + b * b - 2 * (w * this.xy + b * this.y) + this.yy) / 2;
  }

  /** @param {Line} line */
  gradient({ w, b }) {
    const [dw, db] = [w - this.optimum.w, b - this.optimum.b];
    return { w: this.xx * dw + this.x * db, b: this.x * dw + db };
  }

  /**
   * How far the cost lies above its minimum, as a share of the minimum.
   * @param {Line} line
   */
  excess(line) {
    const slope = this.gradient(line);
    const rise = (slope.w * (line.w - this.optimum.w) + slope.b * (line.b - this.optimum.b)) / 2;
    return rise / this.minimum;
  }

  /** The curvatures along the steepest and the flattest direction: the eigenvalues of H. */
  curvatures() {
    const [middle, half] = [(this.xx + 1) / 2, Math.hypot((this.xx - 1) / 2, this.x)];
    return { steepest: middle + half, flattest: middle - half };
  }

  /**
   * The points where the cost is `cost`: an ellipse, optimum + sqrt(2 (cost - minimum)) L'^-1 u for the unit circle's u
   * and H = L L'.
   * @param {number} cost
   * @param {number} [points]
   * @returns {Line[]}
   */
  contour(cost, points = 120) {
    const radius = Math.sqrt(2 * (cost - this.minimum));
    const l11 = Math.sqrt(this.xx);
    const l21 = this.x / l11;
    const l22 = Math.sqrt(1 - l21 ** 2);
    return Array.from({ length: points + 1 }, (_, i) => {
      const angle = (2 * Math.PI * i) / points;
      const b = Math.sin(angle) / l22;
      const w = (Math.cos(angle) - l21 * b) / l11;
      return { w: this.optimum.w + radius * w, b: this.optimum.b + radius * b };
    });
  }
}
