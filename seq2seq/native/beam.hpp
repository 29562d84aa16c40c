// Beam search: the C++ counterpart of `search/beam.py`. Included once per instruction set.

// A live hypothesis. Those of a sentence are contiguous, best first.
struct LiveHypothesis {
    int sentence;
    float total;  // of its log-probabilities as constrained
    int node;
};

// The last token of a hypothesis with its log-probability, and the node of the token before it (-1 for none).
struct Node {
    int parent;
    int32_t token;
    float log_prob;
};

struct Candidate {
    float total, log_prob;  // of all its tokens as constrained, and of the last by the model
    int row;
    int32_t token;
};

// The best candidates of a sentence so far in this step, best first.
class TopCandidates {
  public:
    void clear(int slots) {
        slots_ = slots;
        candidates.clear();
    }
    float threshold() const { return int(candidates.size()) < slots_ ? -INFINITY : candidates.back().total; }
    void add(Candidate candidate) {
        if (!(candidate.total > threshold())) return;
        if (int(candidates.size()) == slots_) candidates.pop_back();
        auto position = std::upper_bound(candidates.begin(), candidates.end(), candidate,
                                         [](const Candidate& a, const Candidate& b) { return a.total > b.total; });
        candidates.insert(position, candidate);
    }
    std::vector<Candidate> candidates;

  private:
    int slots_ = 0;
};

struct FinishedHypothesis {
    std::vector<int32_t> tokens;
    std::vector<float> token_log_probs;  // also of eos
    double total;  // of its log-probabilities as constrained
    double log_prob = 0, rank = 0, score = 0;  // rank: total over the length penalty
};

// The n_best finished hypotheses of a sentence, best first.
class NBestList {
  public:
    NBestList(const Seq2seqOptions& options, int limit)
        : options_(&options), max_penalty_(penalty(limit)) {}

    void add(FinishedHypothesis finished) {
        double normalizer = penalty(int(finished.tokens.size()) + 1);
        double rank = finished.rank = finished.total / normalizer;
        finished.score = finished.log_prob / normalizer;
        auto position = std::find_if(hypotheses.begin(), hypotheses.end(),
                                     [&](const FinishedHypothesis& hypothesis) { return hypothesis.rank < rank; });
        hypotheses.insert(position, std::move(finished));
        if (int(hypotheses.size()) > options_->n_best) hypotheses.pop_back();
    }

    // Whether a live hypothesis with this total could still enter the list: if the rest of it cost nothing and it
    // reached the maximum length.
    bool can_improve(float total) const {
        return int(hypotheses.size()) < options_->n_best || total / max_penalty_ > hypotheses.back().rank;
    }

    std::vector<FinishedHypothesis> hypotheses;

  private:
    double penalty(int length) const { return std::pow((5 + length) / 6.0, options_->length_penalty); }

    const Seq2seqOptions* options_;
    double max_penalty_;
};

class Search {
  public:
    Search(const Network& network, const Seq2seqOptions& options) : network_(network), options_(options) {}

    // tokens: the ids of B sentences, concatenated; lengths and limits [B].
    void run(const int32_t* tokens, const int32_t* lengths, const int32_t* limits, int count, Seq2seqHypotheses& out) {
        batch_.starts.assign(1, 0);
        for (int b = 0; b < count; b++) {
            batch_.starts.push_back(batch_.starts.back() + lengths[b]);
            n_best_lists_.emplace_back(options_, limits[b]);
            live_.push_back({b, 0, -1});
        }
        for (int b = 0; options_.has_symbols && b < count; b++)
            source_symbols_.emplace_back(tokens + batch_.starts[b], lengths[b]);
        for (int b = 0; options_.drafts && b < count; b++) source_symbols_[b].remove(draft(b), draft_length(b));
        slots_.assign(count, int(options_.beam_size));
        limits_ = limits;
        for (int b = 0; options_.shortlists && b < count; b++) {
            const int32_t* starts = options_.shortlist_starts + b;
            batch_.shortlists.emplace_back(network_.view.output, -INFINITY, options_.shortlists + starts[0],
                                           starts[1] - starts[0]);
        }
        network_.start(tokens, batch_);
        states_.resize(count, network_.state_size);
        for (int b = 0; b < count; b++)
            memcpy(states_[b], batch_.first_states[b], network_.state_size * sizeof(float));
        for (int time = 1; !live_.empty(); time++) step(time);
        write(out);
    }

  private:
    void step(int time) {
        int rows = int(live_.size());
        std::vector<int32_t> tokens, sentences;
        for (const LiveHypothesis& hypothesis : live_) {
            tokens.push_back(hypothesis.node < 0 ? options_.bos : nodes_[hypothesis.node].token);
            sentences.push_back(hypothesis.sentence);
        }
        network_.step(tokens.data(), sentences.data(), rows, states_, batch_, next_states_, logits_, scratch_);
        std::vector<LiveHypothesis> previous = std::move(live_);
        live_.clear();
        std::vector<int> parents;
        for (int first = 0, end; first < rows; first = end) {
            int sentence = previous[first].sentence;
            top_.clear(slots_[sentence]);
            for (end = first; end < rows && previous[end].sentence == sentence; end++)
                extend(end, previous[end], limits_[sentence] - time);
            select(sentence, previous, parents);
        }
        states_.resize(int(parents.size()), network_.state_size);
        for (size_t row = 0; row < parents.size(); row++)
            memcpy(states_[int(row)], next_states_[parents[row]], network_.state_size * sizeof(float));
    }

    // Add the continuations of a hypothesis to the candidates. room: tokens that may come after the next one.
    void extend(int row, const LiveHypothesis& hypothesis, int room) {
        const Linear& layer = network_.output_of(batch_, hypothesis.sentence);
        float *logits = logits_[row], total = hypothesis.total;
        int width = layer.width;
        vec sums = {};
        float max_logit = max_of(logits, width);
        for (int start = 0; start < width; start += LANES) sums += exp(load(logits + start) - max_logit);
        float log_sum = std::log(reduce_sum(sums));
        Heir heir;
        auto add = [&](int o) {
            float constrained = (logits[o] - max_logit) - log_sum;
            float log_prob = o == heir.output ? (heir.logit - max_logit) - log_sum : constrained;
            top_.add({total + constrained, log_prob, row, layer.row(o)});
        };
        if (room <= 0) return add(layer.output_of(options_.eos));
        if (options_.drafts) return follow_draft(hypothesis, layer, add);
        // Shortlists never contain forbidden tokens.
        for (int i = 0; !options_.shortlists && i < options_.forbidden_count; i++)
            logits[options_.forbidden_ids[i]] = -INFINITY;
        if (options_.has_symbols && constrain(hypothesis, layer, logits, room, heir)) {
            for (int o = layer.output_of(FIRST_SYMBOL); o < layer.output_of(SYMBOLS_END); o++) add(o);
            return;
        }
        // Skip blocks whose largest logit cannot reach the threshold; the slack allows for rounding.
        const float slack = 1e-3f;
        float bound = top_.threshold() - total + log_sum + max_logit - slack;
        const int block = 64;
        for (int start = 0; start < width; start += block) {
            vec block_maxima = load(logits + start);
            for (int v = LANES; v < block && start + v < width; v += LANES)
                block_maxima = max(block_maxima, load(logits + start + v));
            if (!(reduce_max(block_maxima) > bound)) continue;
            for (int o = start; o < std::min(start + block, layer.out); o++)
                if (logits[o] > bound) add(o);
            bound = top_.threshold() - total + log_sum + max_logit - slack;
        }
    }

    const int32_t* draft(int sentence) const { return options_.drafts + options_.draft_starts[sentence]; }
    int draft_length(int sentence) const {
        return options_.draft_starts[sentence + 1] - options_.draft_starts[sentence];
    }

    // Add the next token of the draft, and the symbols that may stand before it.
    template <class Add>
    void follow_draft(const LiveHypothesis& hypothesis, const Linear& layer, Add add) const {
        const SourceSymbols& source = source_symbols_[hypothesis.sentence];
        auto [written, length] = history(hypothesis);
        MissingSymbols missing = source.missing_from(written);
        for (int32_t symbol : source.symbols)
            if (missing.permitted[symbol]) add(layer.output_of(symbol));
        int32_t token = draft(hypothesis.sentence)[length - (source.symbols.size() - missing.count)];
        if (token != options_.eos || !missing.count) add(layer.output_of(token));
    }

    // The symbols of a hypothesis, and its length.
    std::pair<WrittenSymbols, int> history(const LiveHypothesis& hypothesis) const {
        WrittenSymbols written;
        int length = 0;
        for (int node = hypothesis.node; node >= 0; node = nodes_[node].parent, length++)
            written.add(nodes_[node].token);
        return {written, length};
    }

    // log(exp(a) + exp(b))
    static float log_add(float a, float b) { return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))); }

    static float max_of(const float* logits, int width) {
        vec maxima = broadcast(-INFINITY);
        for (int start = 0; start < width; start += LANES) maxima = max(maxima, load(logits + start));
        return reduce_max(maxima);
    }

    // The symbol that the probability of eos passes to, and its logit without that.
    struct Heir {
        int output = -1;
        float logit = 0;
    };

    // Mask the symbols that may not follow a hypothesis, and eos while symbols are missing: its probability passes to the
    // most probable symbol. Returns whether there is room for nothing but symbols.
    bool constrain(const LiveHypothesis& hypothesis, const Linear& layer, float* logits, int room, Heir& heir) const {
        const SourceSymbols& source = source_symbols_[hypothesis.sentence];
        WrittenSymbols written = source.symbols.empty() ? WrittenSymbols() : history(hypothesis).first;
        MissingSymbols missing = source.missing_from(written);
        int first = layer.output_of(FIRST_SYMBOL), end = layer.output_of(SYMBOLS_END);
        for (int o = first; o < end; o++)
            if (!missing.permitted[layer.row(o)]) logits[o] = -INFINITY;
        if (!missing.count) return false;
        heir.output = int(std::max_element(logits + first, logits + end) - logits);
        float eos_logit = std::exchange(logits[layer.output_of(options_.eos)], -INFINITY);
        heir.logit = std::exchange(logits[heir.output], log_add(logits[heir.output], eos_logit));
        return missing.count >= room;
    }

    // Move the best candidates of a sentence to its n-best list if they end in eos, otherwise to the live hypotheses.
    void select(int sentence, const std::vector<LiveHypothesis>& previous, std::vector<int>& parents) {
        size_t first = live_.size();
        float best_total = -INFINITY;
        for (const Candidate& candidate : top_.candidates) {
            int parent = previous[candidate.row].node;
            if (candidate.token == options_.eos) {
                slots_[sentence]--;
                n_best_lists_[sentence].add(finish(parent, candidate));
            } else {
                best_total = std::max(best_total, candidate.total);
                live_.push_back({sentence, candidate.total, int(nodes_.size())});
                nodes_.push_back({parent, candidate.token, candidate.log_prob});
                parents.push_back(candidate.row);
            }
        }
        if (!n_best_lists_[sentence].can_improve(best_total)) {
            live_.resize(first);
            parents.resize(first);
        }
    }

    // The hypothesis that ends in `node`, finished by eos.
    FinishedHypothesis finish(int node, const Candidate& eos) const {
        FinishedHypothesis finished{{}, {eos.log_prob}, eos.total};
        for (; node >= 0; node = nodes_[node].parent) {
            finished.tokens.push_back(nodes_[node].token);
            finished.token_log_probs.push_back(nodes_[node].log_prob);
        }
        std::reverse(finished.tokens.begin(), finished.tokens.end());
        std::reverse(finished.token_log_probs.begin(), finished.token_log_probs.end());
        for (float log_prob : finished.token_log_probs) finished.log_prob += log_prob;
        return finished;
    }

    void write(Seq2seqHypotheses& out) {
        for (size_t b = 0; b < n_best_lists_.size(); b++) {
            for (int n = 0; n < options_.n_best; n++) {
                size_t index = b * options_.n_best + n;
                out.lengths[index] = -1;
                if (n >= int(n_best_lists_[b].hypotheses.size())) continue;
                const FinishedHypothesis& hypothesis = n_best_lists_[b].hypotheses[n];
                out.lengths[index] = int32_t(hypothesis.tokens.size());
                out.log_probs[index] = hypothesis.log_prob;
                out.scores[index] = hypothesis.score;
                auto copy = [&](const auto& values, auto* rows) {
                    std::copy(values.begin(), values.end(), rows + index * out.max_length);
                };
                copy(hypothesis.tokens, out.tokens);
                copy(hypothesis.token_log_probs, out.token_log_probs);
            }
        }
    }

    const Network& network_;
    const Seq2seqOptions& options_;
    const int32_t* limits_ = nullptr;
    EncodedBatch batch_;
    std::vector<LiveHypothesis> live_;
    std::vector<Node> nodes_;
    std::vector<SourceSymbols> source_symbols_;  // per sentence; empty if the vocabularies have no symbols
    std::vector<int> slots_;  // beam width left per sentence: each finished hypothesis takes one slot
    std::vector<NBestList> n_best_lists_;
    TopCandidates top_;
    Matrix states_, next_states_, logits_;
    Network::Scratch scratch_;
};
