// Single precision: a ray marched through spheres, with square roots, minimum and comparison.
#include <math.h>
#include <stdio.h>
int main(void) {
    long hits = 0, steps = 0;
    for (int y = 0; y < 800; y++)
        for (int x = 0; x < 800; x++) {
            float dx = x / 400.0f - 1, dy = y / 400.0f - 1, dz = 1.5f, scale = 1 / sqrtf(dx * dx + dy * dy + dz * dz);
            dx *= scale, dy *= scale, dz *= scale;
            float px = 0, py = 0, pz = -4;
            for (int n = 0; n < 48; n++, steps++) {
                float nearest = 100;
                for (int s = 0; s < 4; s++) {
                    float sx = px - (s & 1), sy = py - (s >> 1), sz = pz - 0.3f * s;
                    nearest = fminf(nearest, sqrtf(sx * sx + sy * sy + sz * sz) - 0.6f);
                }
                if (nearest < 0.001f) { hits++; break; }
                if (nearest > 20) break;
                px += dx * nearest, py += dy * nearest, pz += dz * nearest;
            }
        }
    printf("%ld %ld\n", hits, steps);
}
