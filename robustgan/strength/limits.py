"""What the checks hold their numbers against, and why.

A count is held against the largest one that chance explains: an image or two may always differ, and with 20 images
that is a tenth of them. So a check fails where one is SURE that the true share is above what is tolerated, on other
images of the same kind too, and warns where the share that was found is.
"""

from __future__ import annotations

import scipy

SURE = 0.99  # one-sided; some 15 checks on a sound classifier then accuse it in far fewer than one run of ten

LEAST = 10  # images that are right; with fewer a comparison of attacks says nothing

# Carlini et al. 2019, "On evaluating adversarial robustness", sections 4.2 to 4.6 (https://arxiv.org/abs/1902.06705):
# a stronger attack never finds less. What is tolerated is what honest searches miss: PGD of five libraries misses
# none of the 222 images of a linear model that fall; where the climb is rough, a restart may find one in a hundred.
MISSED = 0.01  # of the images that are right, fooled by the weaker attack alone

# An audit's own attacks and the probes draw other random numbers: twice that.
RUN_MISSED = 0.02

# Zero gradients at all: Croce and Hein 2020 (AutoAttack's flag) warn from one image on. A network of a few rectified
# units is flat here and there, so one in twenty is tolerated.
FLAT = 0.05

# Cross-entropy in float32 has a gradient of exactly 0 from a margin of about 104 on (exp(-104) is no number of
# float32). Attacks that climb it then stand still: Carlini and Wagner 2017, section V-A, on defensive distillation.
VANISHED = 0.05
CERTAIN = 0.5  # share of images whose probability is 1 in float32 (a margin of 17): worth a warning

# Slopes along a line and the difference of its ends agree exactly but for the few points that are looked at. Measured
# medians: 0.996 for a DenseNet trained against attacks; between -0.03 and 0.26 for the broken ones of tests/planted/.
DISAGREE = 0.1  # share of images whose cosine is below a half
AGREEMENT = 0.8  # median cosine below which a warning is due

# The same images twice: nothing on a CPU, the noise of a sum in another order on a GPU (1e-6).
REPEAT_FAIL, REPEAT_WARN = 1e-3, 1e-5  # largest change of an answer, as a share of the median answer
# Alone or in company: other kernels, and bf16 keeps 3 digits.
COMPANY_FAIL, COMPANY_WARN = 5e-2, 1e-3

# 8 bits: Carlini et al. 2019, section 4.7; a change that only floats can hold is no attack that anybody can send.
LOST = 0.1  # share of the fooling images that rounding undoes
JPEG = 0.5  # share that saving as JPEG undoes: information for the reader, so a warning


def lower(count: int, n: int, sure: float = SURE) -> float:
    """Clopper and Pearson's lower bound for a share, one-sided."""
    return float(scipy.stats.beta.ppf(1 - sure, count, n - count + 1)) if count else 0.0


def allowed(n: int, share: float) -> int:
    """Largest count out of n that leaves it open whether the true share is above `share`."""
    count = 0
    while count < n and lower(count + 1, n) <= share:
        count += 1
    return count
